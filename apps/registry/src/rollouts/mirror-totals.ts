import { durationRange } from '@signalbox/shared/contracts/execution/instances-measured.js';
import type { MirrorPair, MirrorSide } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import type { MirrorFigures, MirrorResult } from '@signalbox/shared/contracts/registry/rollout.js';
import { chanceOf, meanInterval, meanOf, pairedPValue } from '../evals/statistics.ts';
import { callsOf, noTotals, percentileOf, sumOf, type Totals } from './totals.ts';

/** Pairs whose scores are kept, the newest: the intervals of more are hardly narrower. */
const scoredMax = 200;
const confidence = 0.95;

/** By grader: what the stable version and the new one scored for one call. */
export type PairScores = Readonly<Record<string, readonly [stable: number, candidate: number]>>;

/** A pair as it is counted. */
export interface JudgedPair {
  pair: MirrorPair;
  scores: PairScores;
}

interface SideTotals extends Totals {
  /** Answers that were not as promised. */
  invalid: number;
}

/** How the calls went that both versions had, added up. */
export interface MirrorTotals {
  skipped: number;
  /** Pairs with two answers, and those of them with the same. */
  answered: number;
  equal: number;
  /** What agents that grade have cost. */
  gradingUsd: number;
  stable: SideTotals;
  candidate: SideTotals;
  scores: Record<string, (readonly [stable: number, candidate: number])[]>;
}

/** `rollout.mirror`: what was counted, and what it comes to. */
export interface MirrorState {
  totals: MirrorTotals;
  result: MirrorResult;
}

export function noMirrors(): MirrorTotals {
  const side = (): SideTotals => ({ ...noTotals(), invalid: 0 });
  return { skipped: 0, answered: 0, equal: 0, gradingUsd: 0, stable: side(), candidate: side(), scores: {} };
}

export function withPairs(before: MirrorTotals, skipped: number, judged: readonly JudgedPair[]): MirrorTotals {
  const after = { ...before, skipped: before.skipped + skipped, scores: { ...before.scores } };
  for (const { pair, scores } of judged) {
    after.stable = withSide(after.stable, pair.stable);
    after.candidate = withSide(after.candidate, pair.candidate);
    if (pair.stable.error === undefined && pair.candidate.error === undefined) {
      after.answered++;
      if (pair.isEqual) after.equal++;
    }
    addScores(after.scores, scores);
  }
  return after;
}

/** With what an agent said of a pair that was counted before. */
export function withJudgement(before: MirrorTotals, scores: PairScores, costUsd: number): MirrorTotals {
  const after = { ...before, gradingUsd: before.gradingUsd + costUsd, scores: { ...before.scores } };
  addScores(after.scores, scores);
  return after;
}

function addScores(all: MirrorTotals['scores'], scores: PairScores): void {
  for (const [grader, score] of Object.entries(scores)) all[grader] = [...(all[grader] ?? []), score].slice(-scoredMax);
}

function withSide(totals: SideTotals, { tookMs, costUsd, error, invalid }: MirrorSide): SideTotals {
  const durations = Array.from({ length: durationRange(tookMs) + 1 }, () => 0);
  durations[durations.length - 1] = 1;
  const failed = error === undefined ? 0 : 1;
  return {
    ...sumOf(totals, { succeeded: 1 - failed, failed, totalMs: tookMs, costUsd, durations }),
    invalid: totals.invalid + (invalid === undefined ? 0 : 1),
  };
}

/** What it comes to. `seed`: the same gives the same intervals. */
export function resultOf(
  { skipped, answered, equal, gradingUsd, stable, candidate, scores }: MirrorTotals,
  of: { stable: number; version: number; budgetUsd: number },
  seed: string,
): MirrorResult {
  return {
    pairs: callsOf(candidate),
    skipped,
    ...(answered > 0 && { equal: equal / answered }),
    stable: figuresOfSide(of.stable, stable),
    candidate: figuresOfSide(of.version, candidate),
    scores: Object.entries(scores).map(([grader, both]) => {
      const differences = both.map(([before, after]) => after - before);
      return {
        grader,
        pairs: both.length,
        stable: meanOf(both.map(([before]) => before)),
        candidate: meanOf(both.map(([, after]) => after)),
        change: meanInterval(differences, confidence, chanceOf(`${seed} ${grader} change`)),
        pValue: pairedPValue(differences, chanceOf(`${seed} ${grader} pairs`)),
      };
    }),
    totalUsd: candidate.costUsd + gradingUsd,
    isSpent: candidate.costUsd + gradingUsd >= of.budgetUsd,
  };
}

function figuresOfSide(version: number, totals: SideTotals): MirrorFigures {
  const calls = callsOf(totals);
  if (calls === 0) return { version };
  return {
    version,
    errorRate: totals.failed / calls,
    ...(totals.succeeded > 0 && { valid: (totals.succeeded - totals.invalid) / totals.succeeded }),
    p50Ms: percentileOf(totals.durations, 0.5),
    p95Ms: percentileOf(totals.durations, 0.95),
    meanMs: totals.totalMs / calls,
    costUsd: totals.costUsd / calls,
  };
}

/** What measures and gates can ask for, of the new version and of the stable one. */
export function mirrorValues(result: MirrorResult): { candidate: Record<string, number>; stable: Record<string, number> } {
  const { pairs, skipped, equal, stable, candidate, scores } = result;
  const rise = stable.errorRate !== undefined && candidate.errorRate !== undefined ? candidate.errorRate - stable.errorRate : undefined;
  const slower = stable.p50Ms !== undefined && candidate.p50Ms !== undefined ? candidate.p50Ms / stable.p50Ms - 1 : undefined;
  const own = {
    ...{ count: pairs, skipped, equal, errorRateChange: rise, latencyChange: slower },
    ...Object.fromEntries(
      scores.flatMap(({ grader, change, pValue }) => [
        [`score.${grader}.change`, change.value],
        [`score.${grader}.changeLow`, change.low],
        [`score.${grader}.changeHigh`, change.high],
        [`score.${grader}.changeP`, pValue],
      ]),
    ),
  };
  const scoresOf = (side: 'stable' | 'candidate'): Record<string, number> =>
    Object.fromEntries(scores.map((score) => [`score.${score.grader}`, score[side]]));
  const named = ({ version: _, ...figures }: Partial<MirrorFigures>): Record<string, number> =>
    Object.fromEntries(Object.entries(figures).flatMap(([name, value]) => (value === undefined ? [] : [[`mirror.${name}`, value]])));
  return {
    candidate: named({ ...candidate, ...own, ...scoresOf('candidate') }),
    stable: named({ ...stable, ...scoresOf('stable') }),
  };
}
