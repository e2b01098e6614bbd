import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { checkCase, type Failing } from './check-case.ts';
import { checkGolden } from './golden.ts';
import { playCase, type Outcome } from './play-case.ts';
import type { Case, Suite } from './suite.ts';

/** How one case ended. */
export interface CaseResult {
  file: string;
  name: string;
  /** Virtual time that its run took; null where it did not begin. */
  tookMs: number | null;
  /** Real time. */
  realMs: number;
  isGoldenWritten: boolean;
  failing: readonly (Failing & { file: string; line: number; column: number })[];
}

/** Plays a case and checks it. */
export async function runCase(suite: Suite, one: Case, isUpdating: boolean, signal: AbortSignal): Promise<CaseResult> {
  const began = performance.now();
  const found: Failing[] = [];
  let outcome: Outcome | undefined;
  let isGoldenWritten = false;
  try {
    outcome = await playCase(suite, one, signal);
    found.push(...checkCase(one, outcome));
    // What fails is not made the measure of later runs.
    const golden = await checkGolden(one, outcome, isUpdating && found.length === 0);
    found.push(...golden.failing);
    isGoldenWritten = golden.isWritten;
  } catch (thrown) {
    if (thrown instanceof ExpressionError) found.push({ pointer: thrown.pointer, message: thrown.message });
    else if (thrown instanceof Fault) found.push({ pointer: `${one.pointer}/input`, message: thrown.detail });
    else throw thrown;
  }
  return {
    file: suite.file,
    name: one.name,
    tookMs: outcome?.tookMs ?? null,
    realMs: performance.now() - began,
    isGoldenWritten,
    failing: found.map((failing) => ({ ...failing, ...suite.placeOf(failing.pointer) })),
  };
}
