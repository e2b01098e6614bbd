import type { AgentStages, GateCheck, StageCheck } from '../../client/stages.ts';
import { stages } from '../../client/stages.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, join, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { lamp } from './lamps.ts';

/** Who is at which stage of an agent, and how a version stands for each. */
export function stageLines({ agent, version, current, holders, checks }: AgentStages, now: number, columns: number): Styled[] {
  const rows = stages.map((stage) => ({
    stage,
    holder: holders.find((one) => one.stage === stage),
    check: checks.find((one) => one.stage === stage)!,
  }));
  return [
    line`${bold(agent)}  version ${String(version)}${version === current ? dim(' (current)') : dim(` (current is ${current})`)}`,
    join([]),
    ...table(
      [
        { title: 'STAGE', cell: ({ stage }) => stage },
        { title: 'AT IT', cell: ({ holder }) => (holder ? `version ${holder.version}` : dim('none')) },
        { title: 'SINCE', cell: ({ holder }) => (holder ? ago(holder.since, now) : ''), align: 'right' },
        { title: 'BY', cell: ({ holder }) => holder?.byName ?? '' },
        { title: `VERSION ${version}`, cell: ({ check }) => wordOf(check), isFlexible: true },
      ],
      rows,
      columns,
    ),
    ...checks.flatMap((check) => [join([]), bold(check.stage), ...checkLines(check)]),
  ];
}

function wordOf({ held, allowed, blockers: { length } }: StageCheck): string {
  return held ? 'is there' : allowed ? 'may get there' : `${length} ${length === 1 ? 'thing is' : 'things are'} missing`;
}

/** Each gate of a stage with its metrics, and what would bring what lacks. */
export function checkLines({ gates, blockers }: StageCheck): Styled[] {
  const first = blockers.filter(({ because }) => because.startsWith('version '));
  return [
    ...first.map(({ because, next }) => line`  ${lamp('failed')} ${because}  ${dim(next)}`),
    ...(gates.length === 0 ? [dim('  no gate')] : gates.flatMap(gateLines)),
  ];
}

function gateLines({ gate, passed, metrics, approvals }: GateCheck): Styled[] {
  return [
    line`  ${lamp(passed ? 'done' : 'failed')} ${gate}`,
    ...metrics.map(
      ({ standing, says, next }) => line`      ${lamp(standing === 'met' ? 'done' : 'failed')} ${says}${next ? dim(`  ${next}`) : ''}`,
    ),
    ...(approvals ? [line`      ${lamp(approvals.met ? 'done' : 'failed')} ${approvals.says}`] : []),
  ];
}
