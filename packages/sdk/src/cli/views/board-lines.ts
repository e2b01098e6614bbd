import type { Board, BoardAgent } from '../../client/deployments.ts';
import { dayRange, percent } from '../text/figures.ts';
import { bold, dim, join, line, red } from '../text/styled.ts';
import type { Styled, Text } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from './lamps.ts';

/** Next actions beyond these are on the dashboard. */
const actionsMax = 8;

/** A board as a terminal shows it: one row an agent, the critical path, what to do next. */
export function boardLines(board: Board, columns: number): Styled[] {
  const lines = [
    line`${bold(board.name)}  ${state(board.status)}  ${percent(board.progress)}${board.eta ? `  ${dayRange(board.eta.days)} left` : ''}`,
    dim(summary(board.agents)),
    join([]),
    ...table<BoardAgent>(
      [
        { title: 'AGENT', cell: (agent) => (agent.critical ? bold(agent.name) : agent.name) },
        ...(board.agents.some(({ kind }) => kind) ? [{ title: 'KIND', cell: ({ kind = 'agent' }: BoardAgent) => kind }] : []),
        { title: 'STATUS', cell: (agent) => state(agent.status) },
        { title: 'DONE', cell: (agent) => percent(agent.progress), align: 'right' },
        { title: 'LEFT', cell: (agent) => (agent.eta ? dayRange(agent.eta.days) : ''), align: 'right' },
        {
          title: 'SLACK',
          cell: (agent) => (agent.slackDays === null ? '' : agent.critical ? red('none') : `${agent.slackDays.toFixed(1)} d`),
          align: 'right',
        },
        ...(board.agents.some(({ stage }) => stage) ? [{ title: 'STAGE', cell: ({ stage }: BoardAgent) => stage ?? '' }] : []),
        { title: 'WHY', cell: why, isFlexible: true },
      ],
      board.agents,
      columns,
    ),
  ];
  if (board.criticalPath.length > 0) lines.push(join([]), line`${bold('Critical path')}  ${board.criticalPath.join(' → ')}`);
  if (board.nextActions.length > 0) {
    lines.push(join([]), bold('Next'));
    for (const { within, action, agent, because, unblocks } of board.nextActions.slice(0, actionsMax)) {
      const then = unblocks.length > 0 ? dim(`  (unblocks ${unblocks.join(', ')})`) : '';
      lines.push(line`  ${dim(within.padEnd(4))}  ${action} ${bold(agent)}: ${because}${then}`);
    }
    const hidden = board.nextActions.length - actionsMax;
    if (hidden > 0) lines.push(dim(`  and ${hidden} more`));
  }
  return lines;
}

/** `If security takes 5.0 d longer, all is done 0.5 d later.` */
export function whatIfLine(slips: Readonly<Record<string, number>>, now: Board, then: Board): Styled {
  const assumed = Object.entries(slips).map(([agent, days]) => `${agent} takes ${span(days)} ${days < 0 ? 'less' : 'longer'}`);
  const moved = then.remainingDays - now.remainingDays;
  const end = Math.abs(moved) < 1e-4 ? 'as soon as now' : `${span(moved)} ${moved < 0 ? 'sooner' : 'later'}`;
  return line`If ${assumed.join(' and ')}, all is done ${bold(end)}.`;
}

function span(days: number): string {
  return dayRange([Math.abs(days), Math.abs(days)]);
}

function why(agent: BoardAgent): Text {
  if (agent.statusReason) return agent.statusReason;
  if (agent.waitingFor.length > 0) return agent.waitingFor.map(({ on, because }) => `${on}: ${because}`).join('; ');
  const open = agent.steps.find((step) => step.state === 'failed') ?? agent.steps.find((step) => step.state === 'begun');
  if (open) return `${open.name} ${open.state}${open.note ? `: ${open.note}` : ''}`;
  return agent.status === 'done' ? '' : dim(agent.dependsOn.length > 0 ? `after ${agent.dependsOn.join(', ')}` : 'needs nothing');
}

/** `1 done, 2 active, 3 waiting`. */
function summary(agents: readonly BoardAgent[]): string {
  const counts = new Map<string, number>();
  for (const { status } of agents) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, number]) => `${number} ${status}`).join(', ');
}
