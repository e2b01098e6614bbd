import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import {
  bounds,
  defaultRetry,
  ExpressionError,
  permanent,
  type Graph,
  type RetryPolicy,
  type Scope,
  type StepKind,
} from '../core/graph.ts';
import type { ApprovalPolicy } from '../core/approval.ts';
import type { Json } from '../core/json.ts';
import { amountsOf, budgetOf, unboundedCalls } from './budget.ts';
import { perhapsMeant } from './closest.ts';
import { choiceOf } from './choice.ts';
import type { Expression, Variable } from './expression.ts';
import { failingOf, failoverOf, unavailableOf } from './failing.ts';
import { checkInputSchema } from './input-schema.ts';
import { itemsOf, plainItems, sourceOf } from './items.ts';
import { limitsOf, runLimitsOf } from './limits.ts';
import { llmOf, promptOf } from './llm.ts';
import type { ApprovalManifest, LlmManifest, StepManifest, WorkflowManifest } from './manifest.ts';
import { repeatOf } from './repeat.ts';
import { cycleOf, dependentsOf, orderUndoing, type Draft } from './order.ts';
import { retentionOf } from './retention.ts';
import { checkScaleBack } from './scale-back.ts';
import { timeoutMs } from './timeout.ts';
import { compileCondition, compileTemplate, escape, type CompiledTemplate } from './template.ts';

const dayMs = 86_400_000;
const attemptTimeoutMs = 15 * 60_000;
const maxParallelDefault = 1_000;
const kinds: readonly StepKind[] = ['agent', 'tool', 'artifact', 'state', 'workflow', 'value', 'wait', 'approval', 'llm'];
/** Kinds whose whole input stands under their own name. */
const inline: readonly StepKind[] = ['value', 'artifact', 'state', 'wait', 'llm'];
/** What only the units of a step see, and where. */
const unitVariables: Partial<Record<Variable, string>> = {
  item: 'forEach',
  index: 'forEach or repeat',
  turns: 'repeat',
  last: 'repeat',
  results: 'forEach whose items need others',
};
const finallyTimeoutMs = 10 * 60_000;
const undoTimeoutMs = 60 * 60_000;
/** Undoing is tried often: what it leaves is a person's to mend. */
const undoRetry = { attempts: 10 };

/**
 * The graph of a manifest that satisfies the schema. `invalid` with a pointer for each step that names what is not there, needs itself, does
 * not say what it does, or has an expression that cannot be read.
 */
export function compileWorkflow(manifest: WorkflowManifest, hash: string): Graph {
  const { spec } = manifest;
  const keys = Object.keys(spec.steps);
  const ids = new Map(keys.map((key, id) => [key, id]));
  const undoKeys = keys.filter((key) => spec.steps[key]?.compensate !== undefined);
  const finallyKeys = Object.keys(spec.finally ?? {});
  const finallyIds = new Map(finallyKeys.map((key, index) => [key, keys.length + undoKeys.length + index]));
  const errors: FaultDetail[] = [];
  const report = (error: ExpressionError): void => void errors.push({ pointer: error.pointer, detail: error.message });
  const collect: Collect = (compute) => {
    try {
      return compute(report);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      report(error);
      return undefined;
    }
  };
  const main = keys.map((key) => {
    const place = { id: ids.get(key) as number, pointer: `/spec/steps/${escape(key)}`, needs: ids, known: ids, manifests: spec.steps };
    return collect(() => compileStep(key, spec.steps[key] as StepManifest, place, collect));
  });
  const undo = undoKeys.map((key, index) =>
    collect(() => compileUndo(key, spec.steps[key] as StepManifest, keys.length + index, ids, collect)),
  );
  const tidying = finallyKeys.map((key) => collect(() => compileFinally(key, spec.finally ?? {}, ids, finallyIds, collect)));
  const output = collect((more) => compileOutputs(manifest, ids, more));
  collect(() => retentionOf(spec));
  const runLimits = runLimitsOf(spec, collect);
  refuse(errors);
  const drafts = [...main, ...undo, ...tidying] as Draft[];
  const cycle = cycleOf(drafts);
  if (cycle) refuse([cycle]);
  const dependents = dependentsOf(drafts);
  orderUndoing(drafts, dependents);
  const steps = drafts.map((draft) => ({ ...draft, dependents: dependents[draft.id] as number[] }));
  collect(() => checkScaleBack(manifest, { steps }));
  refuse(errors);
  const budget = spec.budget && { budget: budgetOf(spec.budget) };
  refuse(unboundedCalls({ steps, ...budget }, manifest).map(({ pointer, message }) => ({ pointer, detail: message })));
  return {
    name: manifest.metadata.name,
    hash,
    steps,
    ...budget,
    output: (output as Outputs).compute ?? leavesOf(drafts.slice(0, keys.length), dependents),
    timeoutMs: spec.timeout === undefined ? dayMs : timeoutMs(spec.timeout),
    ...(spec.priority !== undefined && { priority: spec.priority }),
    ...(runLimits && { runLimits }),
    ...(undoKeys.length > 0 && {
      undo: {
        on: spec.compensateOn ?? ['failed', 'cancelled'],
        timeoutMs: spec.compensateTimeout === undefined ? undoTimeoutMs : timeoutMs(spec.compensateTimeout),
      },
    }),
    ...(finallyKeys.length > 0 && {
      finally: { timeoutMs: spec.finallyTimeout === undefined ? finallyTimeoutMs : timeoutMs(spec.finallyTimeout) },
    }),
  };
}

/** Goes on after an error, so that one answer tells all of them; a computation that finds several reports all but the one it throws. */
export type Collect = <T>(compute: (report: (error: ExpressionError) => void) => T) => T | undefined;
/** Stands for what could not be compiled, until all errors are told. */
const nothing: CompiledTemplate = { compute: () => null, expressions: [] };
interface Outputs {
  compute: CompiledTemplate['compute'] | undefined;
}

/** Where a step stands, and which others it can name. */
interface Place {
  id: number;
  pointer: string;
  /** Steps that it waits for when it names them. */
  needs: ReadonlyMap<string, number>;
  /** Steps that its expressions may name: those of `needs`, and what has ended by then. */
  known: ReadonlyMap<string, number>;
  /** Those of `needs`, as they are written. */
  manifests: Readonly<Record<string, StepManifest>>;
}

/** What undoes a step: a step with the same items, which sees what all others have done. */
function compileUndo(key: string, step: StepManifest, id: number, ids: ReadonlyMap<string, number>, collect: Collect): Draft {
  const { forEach, maxParallel, compensate = {} } = step;
  if (typeof forEach === 'object' && 'needs' in forEach)
    throw new ExpressionError(
      'items that need each other are not undone: have a workflow do each',
      `/spec/steps/${escape(key)}/compensate`,
    );
  const manifest: StepManifest = {
    ...compensate,
    retry: compensate.retry ?? undoRetry,
    ...(forEach !== undefined && { forEach: plainItems(forEach) }),
    ...(maxParallel !== undefined && { maxParallel }),
  };
  const place = { id, pointer: `/spec/steps/${escape(key)}/compensate`, needs: new Map<string, number>(), known: ids, manifests: {} };
  return { ...compileStep(`${key}.undo`, manifest, place, collect), part: 'undo', undoes: ids.get(key) as number };
}

function compileFinally(
  key: string,
  manifests: Readonly<Record<string, StepManifest>>,
  ids: ReadonlyMap<string, number>,
  finallyIds: ReadonlyMap<string, number>,
  collect: Collect,
): Draft {
  const pointer = `/spec/finally/${escape(key)}`;
  const step = manifests[key] as StepManifest;
  if (ids.has(key)) throw new ExpressionError('a step of steps has the same key', pointer);
  if (step.compensate !== undefined) throw new ExpressionError('what tidies up is not undone', `${pointer}/compensate`);
  const known = new Map([...ids, ...finallyIds]);
  const place = { id: finallyIds.get(key) as number, pointer, needs: finallyIds, known, manifests };
  return { ...compileStep(key, step, place, collect), part: 'finally' };
}

function refuse(errors: FaultDetail[]): void {
  if (errors.length === 0) return;
  const [first] = errors;
  const detail = errors.length === 1 && first ? `${first.pointer}: ${first.detail}` : `${errors.length} places of the workflow are wrong`;
  throw new Fault('invalid', detail, 'Correct what `errors` names and apply it again.', { errors });
}

function compileStep(key: string, step: StepManifest, place: Place, collect: Collect): Draft {
  const { id, pointer } = place;
  const found = kinds.filter((kind) => step[kind] !== undefined);
  if (found.length !== 1) {
    const what = found.length === 0 ? 'does not say what it does' : `says ${found.join(' and ')}`;
    throw new ExpressionError(
      `the step ${what}: give one of agent, tool, workflow, artifact, state, value, wait, approval and llm`,
      pointer,
    );
  }
  const kind = found[0] as StepKind;
  const llm = kind === 'llm' ? llmOf(step, pointer) : undefined;
  if (step.skill !== undefined && kind !== 'agent') throw new ExpressionError('only a step with an agent has a skill', `${pointer}/skill`);
  checkVersion(kind, step, pointer);
  if (step.fallback !== undefined && kind !== 'agent')
    throw new ExpressionError('only a step with an agent has a fallback', `${pointer}/fallback`);
  if (step.with !== undefined && inline.includes(kind)) throw new ExpressionError(`a step with ${kind} takes no with`, `${pointer}/with`);
  const failover = failoverOf(step, pointer);
  const unavailable = unavailableOf(kind, step, pointer);
  for (const field of ['retry', 'timeout'] as const) {
    if (kind === 'wait' && step[field] !== undefined)
      throw new ExpressionError(`a wait has no ${field}: give { signal, timeout } to wait for a signal so long`, `${pointer}/${field}`);
    if (kind === 'approval' && step[field] !== undefined)
      throw new ExpressionError(`an approval has no ${field}: give it a deadline`, `${pointer}/${field}`);
  }
  /** Steps that this one needs, with the place that names each first. */
  const references = new Map((step.needs ?? []).map((name, index) => [name, `${pointer}/needs/${index}`]));
  const use = ({ steps, variables, pointer: at }: Expression, seen: readonly Variable[] = []): void => {
    for (const name of steps) {
      if (name === items?.stream?.key && at !== items.stream.pointer)
        collect((more) => more(new ExpressionError(`steps.${name} has not ended while its items are streamed: use item`, at)));
      if (!references.has(name)) references.set(name, at);
    }
    for (const [name, where] of Object.entries(unitVariables)) {
      if (!variables.has(name as Variable) || seen.includes(name as Variable)) continue;
      collect((more) => more(new ExpressionError(`${name} is known only inside a step with ${where}`, at)));
    }
  };
  const condition = typeof step.if === 'string' ? collect(() => compileCondition(step.if as string, `${pointer}/if`)) : undefined;
  const { forEach } = step;
  const items = forEach === undefined ? undefined : collect((more) => itemsOf(forEach, `${pointer}/forEach`, more));
  const turns = step.repeat === undefined ? undefined : collect(() => repeatOf(kind, step, pointer));
  if (condition) use(condition);
  const ofUnit: Variable[] = [
    ...(forEach === undefined ? [] : (['item', 'index'] as const)),
    ...(step.repeat === undefined ? [] : (['index', 'turns', 'last'] as const)),
  ];
  for (const expression of items?.ofList ?? []) use(expression);
  for (const expression of [...(items?.ofItem ?? []), ...(turns?.expressions ?? [])]) use(expression, ofUnit);
  const chooses = collect(() => choiceOf(kind, step, pointer));
  if (chooses) use(chooses.expression, ofUnit);
  const inputAt = kind === 'approval' ? pointer : `${pointer}/${inline.includes(kind) ? kind : 'with'}`;
  const input = collect((more) => compileTemplate(inputOfStep(kind, step), inputAt, more)) ?? nothing;
  const ofItem = items?.itemNeeds === undefined ? ofUnit : ([...ofUnit, 'results'] as const);
  for (const expression of input.expressions) use(expression, ofItem);
  const { use: standsIn } = step.whenUnavailable ?? {};
  const useAt = `${pointer}/whenUnavailable/use`;
  const usual = standsIn === undefined ? undefined : (collect((more) => compileTemplate(standsIn, useAt, more)) ?? nothing);
  for (const expression of usual?.expressions ?? []) use(expression, ofItem);
  const { limits, expressions: keys } = limitsOf(kind, step, pointer, collect);
  for (const expression of keys) use(expression, kind === 'llm' ? [] : ofItem);

  const needs = [...references].flatMap(([name, at]) => {
    if (!place.known.has(name)) collect((more) => more(unknownStep(name, place.known, at)));
    return place.needs.get(name) ?? [];
  });
  const from = items?.stream;
  if (from && place.known.has(from.key)) collect(() => sourceOf(from, place.manifests[from.key]));
  const stream = from && place.needs.get(from.key);
  return {
    id,
    key,
    ...(step.label !== undefined && { label: step.label }),
    kind,
    needs,
    ...(step.if !== undefined && { condition: conditionOf(step.if, condition, pointer) }),
    ...(items?.items && { items: items.items }),
    ...(items?.itemNeeds && { itemNeeds: items.itemNeeds }),
    ...(stream !== undefined && { stream }),
    ...(turns && { repeat: turns.repeat }),
    ...(chooses && { chooses: chooses.chooses }),
    maxParallel: step.maxParallel ?? maxParallelDefault,
    target: targetOf(kind, step),
    ...(step.skill !== undefined && { skill: step.skill }),
    ...(step.version !== undefined && { version: step.version }),
    ...(step.fallback !== undefined && { fallback: step.fallback }),
    ...(failover && { failover }),
    ...(unavailable && { unavailable: { ...unavailable, ...(usual && { use: usual.compute }) } }),
    input: input.compute,
    // A child run tries its own steps again: the run as a whole is tried again only where that is asked for.
    retry: kind === 'workflow' && step.retry === undefined ? { ...defaultRetry, attempts: 1 } : retryOf(step.retry),
    onError: step.onError ?? 'fail',
    ...(step.approval !== undefined && { approval: policyOf(step.approval, `${pointer}/approval`) }),
    timeoutMs: timeoutMs(step.timeout ?? step.timeouts?.attempt ?? attemptTimeoutMs),
    ...failingOf(kind, step, pointer),
    ...(limits.length > 0 && { limits }),
    ...(step.priority !== undefined && { priority: step.priority }),
    ...llm,
    ...spendingOf(kind, step, pointer),
  };
}

/** A version is one agent's: whoever could take the step over has others. */
function checkVersion(kind: StepKind, { version, agents, fallback, failover }: StepManifest, pointer: string): void {
  if (version === undefined) return;
  const at = `${pointer}/version`;
  if (kind !== 'agent') throw new ExpressionError('only a step with an agent has a version', at);
  const other = agents !== undefined ? 'agents' : fallback !== undefined ? 'fallback' : failover !== undefined ? 'failover' : undefined;
  if (other !== undefined) throw new ExpressionError(`a version is one agent’s: leave ${other} out`, at);
}

/** What a step may use, and its attempts can. */
function spendingOf(kind: StepKind, { budget, usesAtMost }: StepManifest, pointer: string): Pick<Draft, 'budget' | 'most'> {
  if (usesAtMost !== undefined && kind !== 'agent' && kind !== 'workflow')
    throw new ExpressionError(
      `a step with ${kind} has no usesAtMost: only agents and workflows say what they use`,
      `${pointer}/usesAtMost`,
    );
  if (usesAtMost?.steps !== undefined && kind === 'agent')
    throw new ExpressionError('an attempt by an agent is one step', `${pointer}/usesAtMost/steps`);
  for (const field of ['time', 'depth'] as const) {
    if (budget?.[field] !== undefined)
      throw new ExpressionError(`only the budget of a run has ${field}; a step has timeouts`, `${pointer}/budget/${field}`);
  }
  return { ...(budget && { budget: budgetOf(budget) }), ...(usesAtMost && { most: amountsOf(usesAtMost) }) };
}

function unknownStep(name: string, ids: ReadonlyMap<string, number>, pointer: string): ExpressionError {
  const keys = [...ids.keys()];
  const known = perhapsMeant(name, keys) || `; the steps are ${keys.slice(0, 20).join(', ')}`;
  return new ExpressionError(`there is no step ${name}${known}`, pointer);
}

function inputOfStep(kind: StepKind, step: StepManifest): Json {
  if (kind === 'value') return step.value ?? null;
  if (kind === 'wait') return step.wait as Json;
  if (kind === 'approval') return askedOf(step);
  if (kind === 'llm') return promptOf(step.llm as LlmManifest);
  if (kind === 'artifact') return { mediaType: 'text/plain', ...(step.artifact as { name: string; content: Json }) };
  if (kind === 'state') return step.state as Json;
  return step.with ?? {};
}

/** What of an approval is computed when it is asked: its form is a schema, in which nothing is. */
function askedOf({ approval, with: shown }: StepManifest): Json {
  const { message, by, deadline, escalate, remind } = (typeof approval === 'string' ? { message: approval } : approval) as ApprovalManifest;
  const asked = {
    message,
    ...(by !== undefined && { by }),
    ...(deadline !== undefined && { deadline }),
    ...(escalate && { escalate }),
    ...(remind && { remind }),
  };
  return { approval: asked, ...(shown !== undefined && { with: shown }) };
}

function policyOf(approval: string | ApprovalManifest, pointer: string): ApprovalPolicy {
  const { form, notBy, onDeadline = 'fail', onReject = 'fail' }: Partial<ApprovalManifest> = typeof approval === 'string' ? {} : approval;
  checkInputSchema(form, `${pointer}/form`);
  return { ...(form && { form }), ...(notBy && { notBy }), onDeadline, onReject };
}

function targetOf(kind: StepKind, step: StepManifest): string {
  if (kind === 'llm') return (step.llm as LlmManifest).model;
  // Whom an expression chooses is known unit by unit.
  if (step.agents !== undefined) return '';
  return kind === 'agent' || kind === 'tool' || kind === 'workflow' ? (step[kind] as string) : '';
}

function conditionOf(source: string | boolean, expression: Expression | undefined, pointer: string): (scope: Scope) => boolean {
  if (typeof source === 'boolean') return () => source;
  return (scope) => {
    const value = (expression as Expression).compute(scope);
    if (typeof value === 'boolean') return value;
    throw new ExpressionError(`if must give true or false, not ${typeof value}`, `${pointer}/if`);
  };
}

function retryOf(retry: StepManifest['retry']): RetryPolicy {
  if (retry === undefined) return defaultRetry;
  return {
    attempts: Math.min(retry.attempts, bounds.attempts),
    initialMs: retry.backoff?.initialMs ?? defaultRetry.initialMs,
    factor: retry.backoff?.factor ?? defaultRetry.factor,
    maxMs: retry.backoff?.maxMs ?? defaultRetry.maxMs,
    nonRetryable: retry.nonRetryable ?? permanent,
  };
}

function compileOutputs(manifest: WorkflowManifest, ids: ReadonlyMap<string, number>, report: (error: ExpressionError) => void): Outputs {
  const { outputs } = manifest.spec;
  if (outputs === undefined) return { compute: undefined };
  const { compute, expressions } = compileTemplate(outputs, '/spec/outputs', report);
  for (const { steps, variables, pointer } of expressions) {
    for (const name of steps) if (!ids.has(name)) report(unknownStep(name, ids, pointer));
    for (const [name, where] of Object.entries(unitVariables)) {
      if (variables.has(name as Variable)) report(new ExpressionError(`${name} is known only inside a step with ${where}`, pointer));
    }
  }
  return { compute };
}

/** Without `outputs`, a run gives what its last steps gave. */
function leavesOf(drafts: readonly Draft[], dependents: readonly number[][]): (scope: Scope) => Json {
  const leaves = drafts.filter(({ id }) => dependents[id]?.length === 0).map(({ key }) => key);
  return (scope) => Object.fromEntries(leaves.map((key) => [key, scope.steps[key]?.output ?? null]));
}
