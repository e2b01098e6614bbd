import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { safeJson } from '../text/clean.ts';
import { bold, dim, line, yellow } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox tools [SERVER[/TOOL]]`. */
export function addTools(program: Command, io: Io): void {
  const command = program
    .command('tools')
    .argument('[server/tool]', 'only this server’s, or this one with its schemas')
    .description('list the tools of the MCP servers, or show one with what it takes');
  addListOptions(command);
  action(command, io, async (context, options: ListOptions, which?: string) => {
    const { out, signal } = context;
    const client = await context.client();
    const [server, name] = which === undefined ? [] : which.split('/', 2);
    if (name !== undefined && server !== undefined) {
      const tool = await client.tools.get(server, name, { signal });
      out.json(tool);
      out.lines(line`${bold(`${tool.server}/${tool.name}`)}  ${tool.title ?? ''}`, tool.description, '', bold('takes'));
      out.lines(...safeJson(tool.inputSchema, 2).split('\n'));
      if (tool.outputSchema) out.lines('', bold('gives'), ...safeJson(tool.outputSchema, 2).split('\n'));
      if (tool.hash !== tool.pin) out.lines('', yellow(`What it says of itself has changed since ${tool.firstSeenAt}.`));
      out.lines('', dim(`Call it: signalbox call ${tool.server}/${tool.name} --args '{…}'`));
      return;
    }
    const tools = await listed(context, options, client.tools.list({ server, q: options.q, limit: options.pageSize }, { signal }));
    if (tools.length === 0) return out.lines('No tools here. See how the servers stand: signalbox servers');
    out.lines(
      ...table(
        [
          { title: 'TOOL', cell: (tool) => `${tool.server}/${tool.name}` },
          { title: 'DESCRIPTION', cell: (tool) => tool.description, isFlexible: true },
        ],
        tools,
        out.columns === Number.MAX_SAFE_INTEGER ? 120 : out.columns,
      ),
    );
  });
}
