import type { Eval, EvalAttempt, EvalInterval, EvalResult } from '@signalbox/sdk/client/evals.js';
import { lampOf, type Lamp } from './lamps.ts';

/** `87.5 %`. */
export function shareText(value: number): string {
  return `${Number((value * 100).toFixed(1))} %`;
}

/** `87.5 %, 70.1 % to 95.3 %`. */
export function intervalText({ value, low, high }: EvalInterval): string {
  return `${shareText(value)}, ${shareText(low)} to ${shareText(high)}`;
}

/** How an attempt came out. */
export function attemptLamp({ outcome }: Pick<EvalAttempt, 'outcome'>): Lamp {
  const word = { passed: 'Passed', failed: 'Failed', error: 'Call failed', diverged: 'Diverged' }[outcome];
  const lamp = { passed: 'done', failed: 'failed', error: 'failed', diverged: 'waiting' }[outcome];
  return { ...lampOf(lamp), word };
}

/** What an attempt lacks, in words. */
export function lacksText({ error, grades }: Pick<EvalAttempt, 'error' | 'grades'>): string {
  if (error !== undefined) return error;
  const bad = grades.filter(({ score }) => score < 1);
  return bad.map(({ grader, score, reason }) => `${grader}: ${reason ?? shareText(score)}`).join('; ');
}

/** The recorded run that a case is named after. */
export function recordedRunOf(name: string): string {
  return name.split(' ', 1)[0] ?? name;
}

/** How many runs that were done again asked what was not recorded; null where none did. */
export function divergedText({ attempts, diverged = 0 }: Pick<EvalResult, 'attempts' | 'diverged'>): string | null {
  return diverged === 0 ? null : `${diverged} of ${attempts + diverged} runs asked what was not recorded, and are not graded`;
}

/** The version against the one at the stage, or why there is nothing to compare with. */
export function comparisonText({ result, confidence }: Pick<Eval, 'result' | 'confidence'>): string | null {
  if (result === undefined) return null;
  const { comparison, note } = result;
  if (comparison === undefined) return note ?? null;
  const { version, stage, change, pValue, verdict } = comparison;
  const other = version === undefined ? 'what was recorded' : `version ${version}, which is at ${stage ?? ''}`;
  const points = (value: number): string => `${value > 0 ? '+' : ''}${Number((value * 100).toFixed(1))}`;
  const than = verdict === 'same' ? `No sure difference to ${other}` : `${verdict === 'better' ? 'Better' : 'Worse'} than ${other}`;
  return `${than}: ${points(change.value)} points, ${points(change.low)} to ${points(change.high)} (${shareText(confidence)} sure, p = ${Number(pValue.toPrecision(2))})`;
}
