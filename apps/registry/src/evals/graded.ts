import type { ItemOutput } from '@signalbox/shared/contracts/execution/list-outputs.js';
import type { EvalGrade, EvalOutcome } from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import { setImmediate as breath } from 'node:timers/promises';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { SuiteWithCases } from './eval-row.ts';
import { nameOfCase, nameOfGrader } from './eval-suite.ts';
import { grade, gradeOf, type Grade } from './grade.ts';

/** One case, put once, as it was judged. */
export interface Graded {
  caseIndex: number;
  case: string;
  repeat: number;
  outcome: EvalOutcome;
  score: number;
  grades: EvalGrade[];
  error?: string;
  durationMs?: number;
  /** As JSON, cut. */
  output: string;
  /** The run that it was, where it was a whole one. */
  run?: string;
}

/** What the calls gave, and what each agent that grades said of it, by its place among the graders. */
export interface Answers {
  calls: readonly ItemOutput[];
  graded: ReadonlyMap<number, readonly ItemOutput[]>;
}

const outputMax = 2_000;
const reasonMax = 500;
/** What is the fault of whoever calls or of what is between: it says nothing of the agent. */
const notTheAgents = new Set(['unavailable', 'limited', 'cancelled', 'not_found', 'unauthenticated', 'forbidden']);

/** Judges what was recorded, as if it were answered now; a text says why that cannot be. */
export function gradeBefore(suite: SuiteWithCases, graded: Answers['graded']): Promise<Graded[] | string> {
  const calls = suite.spec.cases.map(({ expected = null }, index): ItemOutput => ({ index, status: 'succeeded', output: expected }));
  return gradeAll(suite, 1, { calls, graded });
}

/** Judges all answers; a text says why it cannot be told how good they are. Others have their turn in between. */
export async function gradeAll({ spec }: SuiteWithCases, repeats: number, answers: Answers): Promise<Graded[] | string> {
  const all: Graded[] = [];
  for (const [number, call] of answers.calls.entries()) {
    await breath();
    const caseIndex = Math.floor(number / repeats);
    const one = spec.cases[caseIndex]!;
    const about = { caseIndex, case: nameOfCase(one, caseIndex), repeat: (number % repeats) + 1 };
    const told = {
      ...about,
      ...(call.durationMs !== undefined && { durationMs: call.durationMs }),
      output: (JSON.stringify(call.output) ?? 'null').slice(0, outputMax).toWellFormed(),
      ...(call.run !== undefined && { run: call.run }),
    };
    if (call.isDiverged) {
      all.push({ ...told, outcome: 'diverged', score: 0, grades: [], error: (call.error?.detail ?? '').slice(0, reasonMax) });
      continue;
    }
    if (call.error !== undefined && notTheAgents.has(call.error.code))
      return `${about.case} could not be put: ${call.error.detail}`.slice(0, reasonMax);
    if (call.status !== 'succeeded' && call.error === undefined) return `${about.case} was not put: its call is ${call.status}`;
    if (call.error !== undefined || call.isTooLarge) {
      const error = call.error === undefined ? 'the answer is too large to be graded' : `${call.error.code}: ${call.error.detail}`;
      all.push({ ...told, outcome: 'error', score: 0, grades: [], error: error.slice(0, reasonMax) });
      continue;
    }
    const grades: (EvalGrade & { weight: number })[] = [];
    for (const [index, grader] of spec.graders.entries()) {
      const name = nameOfGrader(grader);
      const said: Grade | string =
        grader.type === 'agent'
          ? saidBy(answers.graded.get(index)?.[number])
          : grade(grader, call.output as Json, one, spec.recorded !== undefined);
      if (typeof said === 'string') return `${about.case} could not be graded by ${name}: ${said}`.slice(0, reasonMax);
      const { score, reason } = said;
      grades.push({
        grader: name,
        score,
        ...(reason !== undefined && { reason: reason.slice(0, reasonMax).toWellFormed() }),
        weight: grader.weight ?? 1,
      });
    }
    const weight = grades.reduce((sum, each) => sum + each.weight, 0);
    // Tenths that were added must reach what they add up to.
    const score = Math.min(1, Number((grades.reduce((sum, each) => sum + each.score * each.weight, 0) / weight).toFixed(9)));
    all.push({
      ...told,
      outcome: score >= (spec.passScore ?? 1) ? 'passed' : 'failed',
      score,
      grades: grades.map(({ weight: _, ...each }) => each),
    });
  }
  return all;
}

function saidBy(item: ItemOutput | undefined): Grade | string {
  if (item?.status === 'succeeded') return gradeOf(item.output as Json);
  return item?.error === undefined ? 'it was not asked' : `${item.error.code}: ${item.error.detail}`;
}
