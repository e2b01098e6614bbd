import { ExpressionError, type StepKind } from '../core/graph.ts';
import type { RepeatPolicy } from '../core/repeat.ts';
import type { Expression } from './expression.ts';
import type { StepManifest } from './manifest.ts';
import { compileCondition } from './template.ts';

const maxTurnsDefault = 10;
const sameTurns = 3;
/** Whoever asks whether something is ready gets the same answer many times. */
const talking: readonly StepKind[] = ['agent', 'workflow'];

/** What does not go with turns, and what to do instead. */
const elsewhere: Partial<Record<keyof StepManifest, string>> = {
  forEach: 'have a workflow do the turns, by a step with forEach and workflow',
  llm: 'it has turns of its own, as llm.limits.turns; or have a workflow do each turn',
  maxParallel: 'turns are taken one after another',
  compensate: 'undo in a step of its own what the turns did',
};

/** What a step says of its turns, with the expressions that are asked after each. Throws `ExpressionError` for what does not fit together. */
export function repeatOf(kind: StepKind, step: StepManifest, pointer: string): { repeat: RepeatPolicy; expressions: Expression[] } {
  for (const [field, instead] of Object.entries(elsewhere)) {
    if (step[field as keyof StepManifest] !== undefined)
      throw new ExpressionError(`a step with repeat has no ${field}: ${instead}`, `${pointer}/${field}`);
  }
  const { maxTurns = maxTurnsDefault, until, onLimit = 'fail', noProgress = talking.includes(kind) ? {} : false } = step.repeat ?? {};
  const done = until === undefined ? undefined : compileCondition(until, `${pointer}/repeat/until`);
  const of =
    noProgress === false || noProgress.of === undefined ? undefined : compileCondition(noProgress.of, `${pointer}/repeat/noProgress/of`);
  const repeat: RepeatPolicy = {
    maxTurns,
    onLimit,
    ...(done && { until: (scope) => isTrue(done, scope) }),
    ...(noProgress !== false && {
      noProgress: { turns: noProgress.turns ?? sameTurns, similarity: noProgress.similarity ?? 1, ...(of && { of: of.compute }) },
    }),
  };
  return { repeat, expressions: [done, of].filter((expression) => expression !== undefined) };
}

function isTrue({ compute, pointer }: Expression, scope: object): boolean {
  const value = compute(scope);
  if (typeof value === 'boolean') return value;
  throw new ExpressionError(`until must give true or false, not ${value === null ? 'null' : typeof value}`, pointer);
}
