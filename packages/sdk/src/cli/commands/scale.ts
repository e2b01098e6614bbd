import type { Command } from 'commander';
import type { AgentScale, AgentScaleDetail } from '../../client/agents.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line, type Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';

/** More agents than a terminal shows. */
const agentsMax = 500;

/** `signalbox scale [AGENT]`. */
export function addScale(program: Command, io: Io): void {
  const command = program
    .command('scale')
    .argument('[agent]', 'the agent; all that are scaled if left out')
    .description('show what waits for scaled agents, how many instances they have and should have, and why');
  action(command, io, async (context, _options: object, agent?: string) => {
    const { out, signal } = context;
    const client = await context.client();
    if (agent === undefined) {
      const scales = await client.agents.scales({ limit: 200 }, { signal }).take(agentsMax);
      out.json(scales);
      out.lines(
        ...(scales.length === 0 ? [line`No agent has ${bold('worker.autoscale')} in its manifest.`] : scaleLines(scales, out.columns)),
      );
      return;
    }
    const scale = await client.agents.scale(agent, { signal });
    out.json(scale);
    out.lines(...scaleLines([scale], out.columns), ...changeLines(scale, context.io.now(), out.columns));
  });
}

function scaleLines(scales: readonly AgentScale[], columns: number): Styled[] {
  return table<AgentScale>(
    [
      { title: 'AGENT', cell: ({ agent }) => agent },
      { title: 'RUNNER', cell: ({ runner }) => runner },
      { title: 'WAITING', cell: ({ waiting }) => waiting, align: 'right' },
      { title: 'IN HAND', cell: ({ running }) => running, align: 'right' },
      { title: 'OLDEST', cell: ({ oldestMs }) => (oldestMs === 0 ? '' : `${(oldestMs / 1_000).toFixed(1)} s`), align: 'right' },
      { title: 'LIVE', cell: ({ live }) => live, align: 'right' },
      { title: 'WANTED', cell: ({ wanted, min, max }) => `${wanted} (${min} to ${max})`, align: 'right' },
      { title: 'BECAUSE', cell: ({ because }) => because, isFlexible: true },
    ],
    scales,
    columns,
  );
}

function changeLines({ changes }: AgentScaleDetail, now: number, columns: number): Styled[] {
  if (changes.length === 0) return [];
  return [
    line``,
    ...table<AgentScaleDetail['changes'][number]>(
      [
        { title: 'WHEN', cell: ({ at }) => dim(ago(at, now)) },
        { title: 'DEPLOYMENT', cell: ({ deployment }) => deployment },
        { title: 'CHANGE', cell: ({ from, to }) => `${from} → ${to}` },
        { title: 'BECAUSE', cell: ({ because }) => because, isFlexible: true },
      ],
      changes,
      columns,
    ),
  ];
}
