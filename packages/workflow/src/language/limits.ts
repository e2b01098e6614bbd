import { ExpressionError, type StepKind } from '../core/graph.ts';
import type { LimitNumbers, LimitPolicy, RunLimits } from '../core/limits.ts';
import type { Collect } from './compile.ts';
import type { Expression } from './expression.ts';
import type { LimitManifest, StepManifest, WorkflowManifest } from './manifest.ts';
import { compileTemplate, escape } from './template.ts';
import { timeoutMs } from './timeout.ts';

/** Kinds whose attempts somebody else does, and may have to wait for. */
const limited: readonly StepKind[] = ['agent', 'tool', 'artifact', 'state', 'llm'];

const perMinMs = 1_000;
/** Whoever takes a limit over begins with nothing of its rate: a longer time would stop it for that long. */
const perMaxMs = 3_600_000;

/** The limits of a step, in the order of their names, and the expressions of their keys. Reports to `collect` what a step of its kind cannot have. */
export function limitsOf(
  kind: StepKind,
  step: StepManifest,
  pointer: string,
  collect: Collect,
): { limits: LimitPolicy[]; expressions: readonly Expression[] } {
  const named = Object.entries(step.limits ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions: Expression[] = [];
  const limits = named.flatMap(([name, manifest]) => {
    const at = `${pointer}/limits/${escape(name)}`;
    return collect((report) => limitOf(kind, name, manifest, at, { report, expressions })) ?? [];
  });
  return { limits, expressions };
}

/**
 * The limits of a workflow's runs, in the order of their names; undefined where it has none. Reports to `collect` what is wrong with them. Their keys are computed
 * before a run begins: they see its input and its labels.
 */
export function runLimitsOf({ limits: manifests, onLimit }: WorkflowManifest['spec'], collect: Collect): RunLimits | undefined {
  if (manifests === undefined && onLimit !== undefined)
    collect((report) => report(new ExpressionError('it says what becomes of starts beyond limits: give spec.limits too', '/spec/onLimit')));
  if (manifests === undefined) return undefined;
  const named = Object.entries(manifests).sort(([a], [b]) => (a < b ? -1 : 1));
  const limits = named.flatMap(([name, manifest]) => {
    const pointer = `/spec/limits/${escape(name)}`;
    return (
      collect((report) => {
        const numbers = numbersOf(manifest, pointer);
        const compiled = manifest.key === undefined ? undefined : compileTemplate(manifest.key, `${pointer}/key`, report, 'start');
        return { name, pointer, ...(compiled && { key: compiled.compute }), ...numbers };
      }) ?? []
    );
  });
  if (onLimit === 'replace' && !Object.values(manifests).some(({ concurrency }) => concurrency !== undefined))
    collect((report) =>
      report(new ExpressionError('a run takes the place of another: give one of spec.limits a concurrency', '/spec/onLimit')),
    );
  return { limits, onLimit: onLimit ?? 'queue' };
}

function limitOf(
  kind: StepKind,
  name: string,
  manifest: LimitManifest,
  pointer: string,
  found: { report: (error: ExpressionError) => void; expressions: Expression[] },
): LimitPolicy {
  if (!limited.includes(kind)) {
    const next = kind === 'workflow' ? ': give them to the steps of that workflow' : '';
    throw new ExpressionError(`a step with ${kind} has no limits${next}`, pointer);
  }
  const numbers = numbersOf(manifest, pointer);
  const { key } = manifest;
  const compiled = key === undefined ? undefined : compileTemplate(key, `${pointer}/key`, found.report);
  found.expressions.push(...(compiled?.expressions ?? []));
  return { name, pointer, ...(compiled && { key: compiled.compute }), ...numbers };
}

function numbersOf({ concurrency, rate }: LimitManifest, pointer: string): LimitNumbers {
  if (concurrency === undefined && rate === undefined) throw new ExpressionError('a limit has concurrency, rate or both', pointer);
  const perMs = rate === undefined ? 0 : timeoutMs(rate.per);
  if (rate !== undefined && (perMs < perMinMs || perMs > perMaxMs))
    throw new ExpressionError('a rate is per 1s at least and per 1h at most', `${pointer}/rate/per`);
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate !== undefined && { rate: { max: rate.max, perMs, burst: rate.burst ?? rate.max } }),
  };
}
