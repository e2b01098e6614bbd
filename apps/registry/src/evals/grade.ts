import { Fault } from '@signalbox/shared/errors/fault.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { compileExpression, matchesLinear } from '@signalbox/workflow/language/expression.js';
import { checkInputSchema, wrongPlace } from '@signalbox/workflow/language/input-schema.js';
import canonicalize from 'canonicalize';
import type { AgentGrader, EvalCase, Grader } from '../manifests/manifest.ts';

/** How one answer was judged: from 0 to 1, and why. */
export interface Grade {
  score: number;
  reason?: string;
}

/** Graders that need nobody else. */
export type OwnGrader = Exclude<Grader, AgentGrader>;

/** Characters that a pattern looks into: it takes time for each. */
const searchedMax = 65_536;
/** Of a value that is shown in a reason. */
const shownMax = 120;

/** Why a grader cannot be used, and in which field; null: it can. */
export function graderFault(grader: Grader): { field: string; detail: string } | null {
  switch (grader.type) {
    case 'schema':
      return faultIn('schema', () => checkInputSchema(grader.schema, '/schema'));
    case 'regex':
      return faultIn('pattern', () => void matchesLinear('', grader.pattern));
    case 'cel':
      return faultIn('expression', () => void compileExpression(grader.expression, '/expression', 'eval'));
    case 'exact':
    case 'agent':
      return null;
  }
}

function faultIn(field: string, check: () => void): { field: string; detail: string } | null {
  try {
    check();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    return { field, detail: (thrown instanceof Fault ? (thrown.errors?.[0]?.detail ?? thrown.detail) : thrown.message).slice(0, 500) };
  }
}

/** Judges an answer by a grader that needs nobody else: the same answer always in the same way, and in bounded time. */
export function grade(grader: OwnGrader, output: Json, { input, expected, labels = {} }: EvalCase, isRecorded = false): Grade {
  const seen = 'path' in grader && grader.path !== undefined ? at(output, grader.path) : output;
  if (seen === undefined) return { score: 0, reason: `the answer has nothing at ${(grader as { path: string }).path}` };
  switch (grader.type) {
    case 'exact': {
      // Of a recorded answer the same part.
      const wanted = isRecorded && grader.path !== undefined ? at(expected as Json, grader.path) : expected;
      return canonicalize(seen) === canonicalize(wanted)
        ? { score: 1 }
        : { score: 0, reason: `${shown(seen)} is not ${shown(wanted as Json)}` };
    }
    case 'schema': {
      const wrong = wrongPlace(grader.schema, seen);
      return wrong === undefined ? { score: 1 } : { score: 0, reason: wrong };
    }
    case 'regex': {
      const text = typeof seen === 'string' ? seen : JSON.stringify(seen);
      return matchesLinear(text.slice(0, searchedMax), grader.pattern)
        ? { score: 1 }
        : { score: 0, reason: `${shown(seen)} does not match ${grader.pattern}` };
    }
    case 'cel':
      return byExpression(grader.expression, { input: input ?? {}, output, expected: expected ?? null, labels });
  }
}

/** True and false, or a number from 0 to 1. What cannot be computed of an answer is no good answer. */
function byExpression(expression: string, scope: object): Grade {
  try {
    const value = compileExpression(expression, '/expression', 'eval').compute(scope);
    if (typeof value === 'boolean') return value ? { score: 1 } : { score: 0, reason: 'the expression is false' };
    if (typeof value === 'number' && value >= 0 && value <= 1) return { score: value };
    return { score: 0, reason: `the expression gives ${shown(value)}, not true, false or a number from 0 to 1` };
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    return { score: 0, reason: thrown.message };
  }
}

/** What an agent that grades has said; a text says why it is no grade. */
export function gradeOf(said: Json): Grade | string {
  const { score, pass, reason } = (typeof said === 'object' && said !== null && !Array.isArray(said) ? said : {}) as Record<string, Json>;
  const why = typeof reason === 'string' && reason !== '' ? { reason } : {};
  if (typeof score === 'number' && score >= 0 && score <= 1) return { score, ...why };
  if (typeof pass === 'boolean') return { score: pass ? 1 : 0, ...why };
  return `${shown(said)} has no score from 0 to 1, and no pass that is true or false`;
}

/** The value at a JSON Pointer (RFC 6901); undefined: there is none. */
function at(value: Json, pointer: string): Json | undefined {
  let current: Json | undefined = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof current !== 'object' || current === null) return undefined;
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    current = Object.hasOwn(current, key) ? (current as Record<string, Json>)[key] : undefined;
  }
  return current;
}

function shown(value: Json): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > shownMax ? `${text.slice(0, shownMax - 1)}…` : text;
}
