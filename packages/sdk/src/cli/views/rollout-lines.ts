import type { Rollout, RolloutCheck, RolloutDetail, RolloutEntry, RolloutFigures } from '../../client/rollouts.ts';
import { ago, duration } from '../text/figures.ts';
import { bold, dim, join, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { rateText } from './eval-lines.ts';
import { lamp, state } from './lamps.ts';

/** What goes to the new version at a step. */
export function stepText({ plan, step }: Pick<Rollout, 'plan' | 'step'>): string {
  const { share, labels } = plan.steps[step]!;
  const whose =
    labels === undefined
      ? []
      : [
          `runs with ${Object.entries(labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(', ')}`,
        ];
  return [`${rateText(share)} of the calls`, ...whose].join(' and ');
}

/** A rollout with its steps, both versions side by side, and what happened. */
export function rolloutLines(rollout: RolloutDetail, now: number, columns: number): Styled[] {
  const { id, agent, version, stable, status, reason, plan, step, stableFigures, figures, checks, history } = rollout;
  const isOpen = status === 'progressing' || status === 'paused';
  return [
    line`${bold(`${agent}@${version}`)}  ${dim(`in place of version ${stable}, ${plan.strategy}`)}`,
    line`${id} ${state(status)}: ${reason}`,
    join([]),
    ...plan.steps.map((each, at) => {
      const mark = at < step || status === 'promoted' ? lamp('done') : at === step && isOpen ? lamp('running') : lamp('');
      const held = each.holdMs > 0 ? [`at least ${duration(each.holdMs)}`] : [];
      const then = [...held, ...(each.pause ? ['then somebody has to say that it goes on'] : [])].join(', ');
      return line`  ${mark} ${stepText({ plan, step: at })}  ${dim(then)}`;
    }),
    join([]),
    ...figureLines([stableFigures, figures], columns),
    join([]),
    ...checks.map(checkLine),
    join([]),
    ...history.map((entry) => entryLine(entry, now)),
  ];
}

function figureLines(both: readonly RolloutFigures[], columns: number): Styled[] {
  return table(
    [
      { title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
      { title: 'CALLS', cell: ({ calls }) => String(calls), align: 'right' },
      { title: 'ERRORS', cell: ({ errorRate }) => (errorRate === undefined ? '' : rateText(errorRate)), align: 'right' },
      { title: 'P95', cell: ({ latencyP95Ms }) => (latencyP95Ms === undefined ? '' : duration(latencyP95Ms)), align: 'right' },
      { title: 'MEAN', cell: ({ latencyMeanMs }) => (latencyMeanMs === undefined ? '' : duration(latencyMeanMs)), align: 'right' },
      { title: 'USD A CALL', cell: ({ costUsd }) => (costUsd === undefined ? '' : costUsd.toFixed(4)), align: 'right' },
    ],
    both,
    columns,
  );
}

function checkLine({ standing, says }: RolloutCheck): Styled {
  return line`  ${lamp(standing === 'met' ? 'done' : standing)} ${says}`;
}

function entryLine({ at, move, by, text }: RolloutEntry, now: number): Styled {
  return line`  ${dim(ago(at, now).padStart(8))}  ${bold(move)}  ${text} ${dim(by)}`;
}
