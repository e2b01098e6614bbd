import type { Command } from 'commander';
import type { Agent, AgentQuery } from '../../client/agents.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options extends ListOptions {
  kind?: AgentQuery['kind'];
  status?: AgentQuery['status'];
}

/** `signalbox agents [NAME]`. */
export function addAgents(program: Command, io: Io): void {
  const command = program.command('agents').argument('[name]', 'show this one').description('list the agents, or show one with its skills');
  addListOptions(command)
    .option('--kind <kind>', 'only this kind: llm, mcp, http, worker')
    .option('--status <status>', 'only in this state');
  action(command, io, async (context, options: Options, name?: string) => {
    const { out, signal } = context;
    const client = await context.client();
    const now = context.io.now();
    if (name !== undefined) {
      const agent = await client.agents.get(name, { signal });
      out.json(agent);
      const { live, capacity, inFlight } = agent.instances;
      out.lines(
        line`${bold(agent.name)}  ${state(agent.status)}${agent.statusReason ? `: ${agent.statusReason}` : ''}`,
        ...(agent.description ? [agent.description] : []),
        '',
        line`kind       ${agent.kind}`,
        line`version    ${agent.version} ${dim(agent.hash.slice(0, 19))}`,
        ...(agent.stage ? [line`stage      ${agent.stage}`] : []),
        line`instances  ${live} live, ${inFlight} of ${capacity} busy`,
        ...(agent.breaker ? [line`breaker    ${agent.breaker}`] : []),
        line`changed    ${ago(agent.updatedAt, now)}`,
        '',
        ...table(
          [
            { title: 'SKILL', cell: (skill) => skill.name },
            { title: 'DESCRIPTION', cell: (skill) => skill.description ?? '', isFlexible: true },
          ],
          agent.skills,
          out.columns,
        ),
      );
      return;
    }
    const query = { kind: options.kind, status: options.status, q: options.q };
    const agents = await listed(context, options, client.agents.list({ ...query, limit: options.pageSize }, { signal }));
    if (agents.length === 0) return out.lines('No agents yet. Register one: signalbox apply -f FILE');
    out.lines(
      ...table(
        [
          { title: 'AGENT', cell: (agent) => agent.name },
          { title: 'KIND', cell: (agent) => agent.kind },
          { title: 'STATUS', cell: (agent) => state(agent.status) },
          { title: 'VERSION', cell: (agent) => agent.version, align: 'right' },
          ...(agents.some((agent) => agent.stage) ? [{ title: 'STAGE', cell: (agent: Agent) => agent.stage ?? '' }] : []),
          { title: 'LIVE', cell: (agent) => agent.instances.live, align: 'right' },
          { title: 'BUSY', cell: (agent) => `${agent.instances.inFlight}/${agent.instances.capacity}`, align: 'right' },
          { title: 'SKILLS', cell: (agent) => agent.skills.map((skill) => skill.name).join(', '), isFlexible: true },
        ],
        agents,
        out.columns,
      ),
    );
  });
}
