import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, join, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox servers [NAME]`. */
export function addServers(program: Command, io: Io): void {
  const command = program
    .command('servers')
    .argument('[name]', 'show this one')
    .description('list the MCP servers, or show one with its last words');
  addListOptions(command);
  action(command, io, async (context, options: ListOptions, name?: string) => {
    const { out, signal } = context;
    const client = await context.client();
    const now = context.io.now();
    if (name !== undefined) {
      const server = await client.mcpServers.get(name, { signal });
      out.json(server);
      out.lines(
        line`${bold(server.name)}  ${state(server.status)}${server.statusReason ? `: ${server.statusReason}` : ''}`,
        '',
        line`transport    ${server.transport}`,
        ...(server.serverInfo ? [line`server       ${server.serverInfo.name ?? ''} ${server.serverInfo.version ?? ''}`] : []),
        ...(server.containment ? [line`containment  ${server.containment}`] : []),
        line`tools        ${server.tools}`,
        line`restarts     ${server.restarts}`,
        line`started      ${server.startedAt ? ago(server.startedAt, now) : 'not now'}`,
        ...(server.nextAttemptAt ? [line`next try     ${server.nextAttemptAt}`] : []),
        ...(server.stderr.length > 0 ? ['', dim('its standard error'), ...server.stderr.map((text) => join(['  ', text]))] : []),
      );
      return;
    }
    const servers = await listed(context, options, client.mcpServers.list({ q: options.q, limit: options.pageSize }, { signal }));
    if (servers.length === 0) return out.lines('No MCP servers yet. Register one: signalbox apply -f FILE');
    out.lines(
      ...table(
        [
          { title: 'SERVER', cell: (server) => server.name },
          { title: 'TRANSPORT', cell: (server) => server.transport },
          { title: 'STATUS', cell: (server) => state(server.status) },
          { title: 'TOOLS', cell: (server) => server.tools, align: 'right' },
          { title: 'RESTARTS', cell: (server) => server.restarts, align: 'right' },
          { title: 'REASON', cell: (server) => server.statusReason ?? '', isFlexible: true },
        ],
        servers,
        out.columns,
      ),
    );
  });
}
