import type { EvalComparison, EvalResult } from '@signalbox/shared/contracts/registry/eval.js';
import type { ItemOutput } from '@signalbox/shared/contracts/execution/list-outputs.js';
import { finding, findingsMax } from '../evidence/reading.ts';
import type { Graded } from './graded.ts';
import { chanceOf, meanInterval, meanOf, pairedPValue, quantileOf, rateInterval } from './statistics.ts';

/** What the attempts of an eval come to. Those that diverged are counted, and in no other figure. `seed`: the same gives the same intervals. */
export function summaryOf(all: readonly Graded[], calls: readonly ItemOutput[], confidence: number, seed: string): EvalResult {
  const graded = all.filter(isGraded);
  const attempts = graded.length;
  const diverged = all.length - attempts;
  const byCase = [...scoresByCase(graded).values()];
  const shares = [...Map.groupBy(graded, ({ caseIndex }) => caseIndex).values()].map((of) =>
    meanOf(of.map(({ outcome }) => Number(outcome === 'passed'))),
  );
  const latencies = graded.flatMap(({ outcome, durationMs }) => (outcome === 'error' || durationMs === undefined ? [] : [durationMs]));
  const [latencyP50Ms, latencyP95Ms] = [quantileOf(latencies, 0.5), quantileOf(latencies, 0.95)];
  const graders = Map.groupBy(
    graded.flatMap(({ grades }) => grades),
    ({ grader }) => grader,
  );
  return {
    score: meanInterval(byCase, confidence, chanceOf(seed)),
    passRate: rateInterval(shares, attempts, confidence),
    attempts,
    passed: graded.filter(({ outcome }) => outcome === 'passed').length,
    errors: graded.filter(({ outcome }) => outcome === 'error').length,
    ...(graded.some(({ run }) => run !== undefined) && { diverged }),
    ...(latencyP50Ms !== undefined && { latencyP50Ms }),
    ...(latencyP95Ms !== undefined && { latencyP95Ms }),
    usage: {
      inputTokens: sumOf(calls, 'inputTokens'),
      outputTokens: sumOf(calls, 'outputTokens'),
      costUsd: sumOf(calls, 'costUsd'),
    },
    graders: [...graders].map(([grader, grades]) => ({ grader, score: meanOf(grades.map(({ score }) => score)) })),
  };
}

/** Whether it is known how good an attempt is. */
export function isGraded({ outcome }: Pick<Graded, 'outcome'>): boolean {
  return outcome !== 'diverged';
}

/** One score a case: the mean of its repeats. By the place of the case. */
export function scoresByCase(graded: readonly Pick<Graded, 'caseIndex' | 'score'>[]): Map<number, number> {
  const cases = Map.groupBy(graded, ({ caseIndex }) => caseIndex);
  return new Map([...cases].map(([caseIndex, of]) => [caseIndex, meanOf(of.map(({ score }) => score))]));
}

/** This version against another, case by case: the cases are the same, so that only what differs in each counts. */
export function comparisonOf(
  ours: ReadonlyMap<number, number>,
  theirs: ReadonlyMap<number, number>,
  other: Pick<EvalComparison, 'eval' | 'version' | 'stage'>,
  confidence: number,
  seed: string,
): EvalComparison {
  const differences = [...ours].map(([caseIndex, score]) => score - (theirs.get(caseIndex) ?? 0));
  const change = meanInterval(differences, confidence, chanceOf(`${seed} change`));
  const pValue = pairedPValue(differences, chanceOf(`${seed} pairs`));
  const isChance = pValue > 1 - confidence;
  const before = meanOf([...ours.keys()].map((caseIndex) => theirs.get(caseIndex) ?? 0));
  return { ...other, before, change, pValue, verdict: isChance ? 'same' : change.value > 0 ? 'better' : 'worse' };
}

/** The metrics that gates can ask for, named after `evals.SUITE`, or of recorded calls after `counterfactual.SUITE`. */
export function metricsOf(
  prefix: string,
  { score, passRate, attempts, errors, diverged, latencyP95Ms, usage, comparison }: EvalResult,
): Record<string, number> {
  const metrics = {
    ...{ score: score.value, scoreLow: score.low, scoreHigh: score.high },
    ...{ passRate: passRate.value, passRateLow: passRate.low, passRateHigh: passRate.high },
    ...{ attempts, errors, costUsd: usage.costUsd },
    ...(diverged !== undefined && { diverged: divergedShare({ attempts, diverged }) }),
    ...(latencyP95Ms !== undefined && { latencyP95Ms }),
    ...(comparison && {
      ...{
        before: comparison.before,
        change: comparison.change.value,
        changeLow: comparison.change.low,
        changeHigh: comparison.change.high,
        changeP: comparison.pValue,
      },
    }),
  };
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}.${name}`, value]));
}

/** Of all runs that were done again, how many diverged. */
export function divergedShare({ attempts, diverged = 0 }: Pick<EvalResult, 'attempts' | 'diverged'>): number {
  return diverged / (attempts + diverged);
}

/** How many diverged and why the first did, and the first attempts that did not pass, as findings of the evidence. */
export function findingsOf(all: readonly Graded[]): string[] {
  const diverged = all.filter((one) => !isGraded(one));
  const [first] = diverged;
  const bad = all.filter(({ outcome }) => outcome === 'failed' || outcome === 'error');
  const failed = bad.slice(0, findingsMax - Number(first !== undefined)).map(({ case: name, repeat, grades, error, score }) => {
    const why = error ?? grades.find((each) => each.score < 1)?.reason ?? `scores ${score}`;
    return finding(`failed: ${name} (${repeat}): ${why}`);
  });
  if (first === undefined) return failed;
  return [finding(`diverged: ${diverged.length} of ${all.length} runs, the first ${first.case}: ${first.error}`), ...failed];
}

function sumOf(calls: readonly ItemOutput[], field: 'inputTokens' | 'outputTokens' | 'costUsd'): number {
  return calls.reduce((sum, { usage }) => sum + (usage?.[field] ?? 0), 0);
}
