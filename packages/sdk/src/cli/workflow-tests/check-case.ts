import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { RunState, StepState } from '@signalbox/workflow/core/state.js';
import { diff, type Difference } from '@signalbox/workflow/language/diff.js';
import { perhapsMeant } from '@signalbox/workflow/language/closest.js';
import { duration } from '../text/figures.ts';
import type { Outcome } from './play-case.ts';
import type { Case, StepExpectation } from './suite.ts';

/** An expectation that did not hold. */
export interface Failing {
  /** Where it stands in the test file. */
  pointer: string;
  message: string;
  /** From what was expected to what came. */
  differences?: readonly Difference[];
}

/** Every expectation of a case that its outcome does not meet. */
export function checkCase(one: Case, outcome: Outcome): Failing[] {
  const at = `${one.pointer}/expect`;
  const { expect = {} } = one;
  const { state, tookMs } = outcome;
  const found: Failing[] = [];
  for (const who of outcome.unmocked) found.push({ pointer: one.pointer, message: `nothing answers for the ${who}: mock it` });
  const status = expect.status ?? (expect.error !== undefined ? 'failed' : one.golden === undefined ? 'succeeded' : state.status);
  if (state.status !== status) {
    const because = state.error === undefined ? '' : `: ${state.error.code}: ${state.error.detail}`;
    found.push({
      pointer: expect.status === undefined ? one.pointer : `${at}/status`,
      message: `the run ${state.status}, not ${status}${because}`,
    });
  }
  if (expect.output !== undefined) found.push(...differing(`${at}/output`, 'the output is another', expect.output, state.output));
  if (expect.error !== undefined) found.push(...checkError(expect.error, state, `${at}/error`));
  for (const [key, expected] of Object.entries(expect.steps ?? {})) found.push(...checkStep(key, expected, state, `${at}/steps/${key}`));
  found.push(...checkOrder(expect.order ?? [], outcome, `${at}/order`));
  if (one.withinMs !== undefined && tookMs > one.withinMs) {
    found.push({ pointer: `${at}/within`, message: `the run took ${duration(tookMs)}, more than ${duration(one.withinMs)}` });
  }
  found.push(...checkThat(one, outcome, `${at}/that`));
  return found;
}

function differing(pointer: string, message: string, expected: Json, came: Json | undefined): Failing[] {
  const differences = diff(expected, came ?? null);
  return differences.length === 0 ? [] : [{ pointer, message, differences }];
}

function checkError(expected: { code?: string; detail?: string }, { error }: RunState, pointer: string): Failing[] {
  if (error === undefined) return [{ pointer, message: 'the run has no error' }];
  const isOther =
    (expected.code !== undefined && expected.code !== error.code) ||
    (expected.detail !== undefined && !error.detail.includes(expected.detail));
  return isOther ? [{ pointer, message: `the error is ${error.code}: ${error.detail}` }] : [];
}

function checkStep(key: string, expected: string | StepExpectation, { graph, steps }: RunState, pointer: string): Failing[] {
  const id = graph.steps.findIndex((step) => step.key === key);
  const step = steps[id];
  if (step === undefined) {
    const keys = graph.steps.map((known) => known.key);
    return [{ pointer, message: `the workflow has no step ${key}${perhapsMeant(key, keys)}` }];
  }
  const wanted = typeof expected === 'string' ? { status: expected } : expected;
  const came = factsOf(step);
  const found: Failing[] = [];
  for (const field of ['status', 'attempts', 'items', 'errors'] as const) {
    if (wanted[field] === undefined || wanted[field] === came[field]) continue;
    const place = typeof expected === 'string' ? pointer : `${pointer}/${field}`;
    const error = step.units.find((unit) => unit.error !== undefined)?.error;
    const because = field === 'status' && error !== undefined ? `: ${error.code}: ${error.detail}` : '';
    found.push({ pointer: place, message: `${key}: ${field} is ${came[field]}, not ${wanted[field]}${because}` });
  }
  if (wanted.output !== undefined)
    found.push(...differing(`${pointer}/output`, `${key}: the output is another`, wanted.output, step.output));
  return found;
}

/** What can be expected of a step, as it came. */
export function factsOf({ status, isFanned, units }: StepState): { status: string; attempts: number; items: number; errors: number } {
  return {
    status,
    attempts: units.reduce((sum, { attempt }) => sum + attempt, 0),
    items: isFanned ? units.length : 0,
    errors: units.filter(({ error }) => error !== undefined).length,
  };
}

function checkOrder(order: readonly string[], { spans, state }: Outcome, pointer: string): Failing[] {
  const keys = state.graph.steps.map(({ key }) => key);
  return order.flatMap((key, index) => {
    const place = `${pointer}/${index}`;
    const span = spans.get(key);
    if (!keys.includes(key)) return [{ pointer: place, message: `the workflow has no step ${key}${perhapsMeant(key, keys)}` }];
    if (span === undefined) return [{ pointer: place, message: `${key} did not begin` }];
    const before = index === 0 ? undefined : spans.get(order[index - 1] as string);
    if (before === undefined || before.last < span.first) return [];
    return [{ pointer: place, message: `${key} began before ${order[index - 1]} had ended` }];
  });
}

function checkThat({ that }: Case, { state, tookMs }: Outcome, pointer: string): Failing[] {
  const { scope, status, output = null, error = null } = state;
  const run = { ...scope.run, status, output, error, tookMs };
  return that.flatMap((expression, index) => {
    const place = `${pointer}/${index}`;
    try {
      const value = expression.compute({ ...scope, run });
      return value === true ? [] : [{ pointer: place, message: `this gives ${JSON.stringify(value)}` }];
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return [{ pointer: place, message: thrown.message }];
    }
  });
}
