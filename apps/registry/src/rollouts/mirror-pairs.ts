import type { MirrorPair, MirrorSide } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { nameOfGrader } from '../evals/eval-suite.ts';
import { grade, type OwnGrader } from '../evals/grade.ts';
import type { Grader } from '../manifests/manifest.ts';
import type { PairScores } from './mirror-totals.ts';

const shownMax = 2_000;

/** Graders that need nobody else judge both answers, each against what the stable version answered. A call that failed scores 0; of an answer that is too large nothing is said. */
export function scoresOf(graders: readonly Grader[], { input, stable, candidate }: MirrorPair): PairScores {
  const expected = stable.output;
  if (stable.error === undefined && expected === undefined) return {};
  const of = (grader: OwnGrader, side: MirrorSide): number | undefined => {
    if (side.error !== undefined) return 0;
    if (side.output === undefined) return undefined;
    return grade(grader, side.output as Json, { input: input as Json, expected: expected ?? null } as never, true).score;
  };
  const scores: Record<string, readonly [number, number]> = {};
  for (const grader of graders) {
    if (grader.type === 'agent') continue;
    const [before, after] = [of(grader, stable), of(grader, candidate)];
    if (before !== undefined && after !== undefined) scores[nameOfGrader(grader)] = [before, after];
  }
  return scores;
}

/** In which way both versions differ; null: they do not. */
export function differenceOf({ isEqual, stable, candidate }: MirrorPair): string | null {
  if (candidate.error !== undefined && stable.error === undefined) return 'only the new version failed';
  if (candidate.error === undefined && stable.error !== undefined) return 'only the stable version failed';
  if (candidate.error !== undefined) return null;
  if (candidate.invalid !== undefined && stable.invalid === undefined) return `the answer is not as promised: ${candidate.invalid}`;
  if (candidate.invalid === undefined && stable.invalid !== undefined) return `only the new version answers as promised: ${stable.invalid}`;
  return isEqual ? null : 'the answers differ';
}

/** An answer as it is kept. */
export function shownSide({ error, output }: MirrorSide): string {
  return error ?? shownValue(output);
}

export function shownValue(value: unknown): string {
  return value === undefined ? '(too large to be kept)' : JSON.stringify(value).slice(0, shownMax).toWellFormed();
}
