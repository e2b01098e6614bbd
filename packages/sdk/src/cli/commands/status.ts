import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { bytes, count, duration } from '../text/figures.ts';
import { bold, dim, join, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';

/** An overview reads at most this many objects of a kind; the lists have the rest. */
const overviewMax = 1_000;

/** `signalbox status`: is it up, and how does everything stand? */
export function addStatus(program: Command, io: Io): void {
  const command = program.command('status').description('is Signalbox up, and how do its services, agents, servers and runs stand?');
  action(command, io, async (context) => {
    const { out, signal } = context;
    const { url, source } = await context.target();
    const client = await context.client();
    const services = await client.system.services({ signal });
    // A service that is down must not hide how the others stand.
    const [agents, servers, deployments, running] = await Promise.all([
      client.agents
        .list({ limit: 200 }, { signal })
        .take(overviewMax)
        .catch(() => null),
      client.mcpServers
        .list({ limit: 200 }, { signal })
        .take(overviewMax)
        .catch(() => null),
      client.deployments
        .list({ limit: 200 }, { signal })
        .take(overviewMax)
        .catch(() => null),
      client.runs
        .list({ status: 'running', limit: 200 }, { signal })
        .take(overviewMax)
        .catch(() => null),
    ]);
    const down = services.filter((service) => service.status === 'down');
    out.json({
      url,
      services,
      agents: agents && tally(agents),
      mcpServers: servers && tally(servers),
      deployments: deployments && tally(deployments),
      runsRunning: running && running.length,
    });
    out.lines(line`${bold('Signalbox')} at ${url} ${dim(`(${source})`)}`, '');
    out.lines(
      ...table(
        [
          { title: 'SERVICE', cell: (service) => service.name },
          { title: 'STATUS', cell: (service) => state(service.status) },
          { title: 'UP FOR', cell: (service) => (service.uptimeS === undefined ? '' : duration(service.uptimeS * 1000)), align: 'right' },
          {
            title: 'ANSWERS IN',
            cell: (service) => (service.latencyMs === undefined ? '' : `${service.latencyMs.toFixed(1)} ms`),
            align: 'right',
          },
          { title: 'MEMORY', cell: (service) => (service.memoryBytes === undefined ? '' : bytes(service.memoryBytes)), align: 'right' },
          { title: 'DETAIL', cell: (service) => service.detail ?? '', isFlexible: true },
        ],
        services,
        out.columns,
      ),
      '',
      line`agents       ${summary(agents)}`,
      line`MCP servers  ${summary(servers)}`,
      line`deployments  ${summary(deployments)}`,
      line`runs         ${running === null ? 'not known: the service does not answer' : `${running.length} running`}`,
    );
    if (down.length > 0) {
      const names = down.map((service) => service.name).join(', ');
      throw new CliFailure(
        exitCode.failed,
        `${count(down.length, 'service')} of ${services.length} ${down.length === 1 ? 'is' : 'are'} down: ${names}`,
        'A service that crashed is restarted by itself; its log is in the data folder.',
      );
    }
  });
}

function tally(items: readonly { status: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of items) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function summary(items: readonly { status: string }[] | null): string | Styled {
  if (items === null) return 'not known: the service does not answer';
  if (items.length === 0) return 'none yet';
  return join(
    Object.entries(tally(items)).map(([status, number]) => join([String(number), ' ', state(status)])),
    ', ',
  );
}
