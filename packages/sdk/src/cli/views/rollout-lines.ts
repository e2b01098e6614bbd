import type {
  MirrorResult,
  Rollout,
  RolloutCheck,
  RolloutDetail,
  RolloutEntry,
  RolloutFigures,
  RolloutPair,
} from '../../client/rollouts.ts';
import { ago, duration } from '../text/figures.ts';
import { bold, dim, join, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { rateText } from './eval-lines.ts';
import { lamp, state } from './lamps.ts';

/** With --json there are all. */
const pairsShown = 5;
const textMax = 160;

/** What goes to the new version at a step. */
export function stepText({ plan, step }: Pick<Rollout, 'plan' | 'step'>): string {
  const { share, labels, mirror = 0 } = plan.steps[step]!;
  const whose =
    labels === undefined
      ? []
      : [
          `runs with ${Object.entries(labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(', ')}`,
        ];
  const mirrored = mirror > 0 ? `, ${rateText(mirror)} of the others mirrored` : '';
  return [`${rateText(share)} of the calls`, ...whose].join(' and ') + mirrored;
}

/** A rollout with its steps, both versions side by side, and what happened. */
export function rolloutLines(rollout: RolloutDetail, now: number, columns: number): Styled[] {
  const { id, agent, version, stable, status, reason, plan, step, stableFigures, figures, mirror, checks, history, pairs = [] } = rollout;
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
    ...(mirror ? [...mirrorLines(mirror, columns), join([])] : []),
    ...checks.map(checkLine),
    join([]),
    ...history.map((entry) => entryLine(entry, now)),
    ...(pairs.length > 0 ? [join([]), line`${bold('Answered in different ways')}, the newest`] : []),
    ...pairs.slice(0, pairsShown).flatMap((pair) => pairLines(pair, stable, version, now)),
  ];
}

/** Calls that both versions had. */
function mirrorLines({ pairs, skipped, equal, stable, candidate, scores, totalUsd, isSpent }: MirrorResult, columns: number): Styled[] {
  const same = equal === undefined ? '' : `, ${rateText(equal)} answered the same`;
  const spent = isSpent ? ': that is as much as they may' : '';
  return [
    line`${bold(`${pairs} mirrored calls`)}${same}, ${skipped} skipped, ${totalUsd.toFixed(4)} USD together${spent}`,
    ...table(
      [
        { title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
        { title: 'ERRORS', cell: ({ errorRate }) => (errorRate === undefined ? '' : rateText(errorRate)), align: 'right' },
        { title: 'AS PROMISED', cell: ({ valid }) => (valid === undefined ? '' : rateText(valid)), align: 'right' },
        { title: 'P50', cell: ({ p50Ms }) => (p50Ms === undefined ? '' : duration(p50Ms)), align: 'right' },
        { title: 'P95', cell: ({ p95Ms }) => (p95Ms === undefined ? '' : duration(p95Ms)), align: 'right' },
        { title: 'USD A CALL', cell: ({ costUsd }) => (costUsd === undefined ? '' : costUsd.toFixed(4)), align: 'right' },
      ],
      [stable, candidate],
      columns,
    ),
    ...scores.map(
      ({ grader, pairs: count, stable: before, candidate: after, change: { low, high } }) =>
        line`  ${bold(grader)} ${figure(before)} → ${figure(after)}, change between ${figure(low)} and ${figure(high)} ${dim(`of ${count} pairs`)}`,
    ),
  ];
}

function pairLines(
  { at, run, because, input, stable, candidate, stableMs, candidateMs }: RolloutPair,
  ...of: [number, number, number]
): Styled[] {
  const [before, after, now] = of;
  return [
    line`  ${dim(ago(at, now).padStart(8))}  ${because} ${dim(run)}`,
    line`            ${dim('asked')} ${cut(input)}`,
    line`            ${dim(`version ${before}, ${duration(stableMs)}`)} ${cut(stable)}`,
    line`            ${dim(`version ${after}, ${duration(candidateMs)}`)} ${cut(candidate)}`,
  ];
}

function figure(value: number): string {
  return String(Number(value.toFixed(3)));
}

function cut(text: string): string {
  return text.length > textMax ? `${text.slice(0, textMax - 1)}…` : text;
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
