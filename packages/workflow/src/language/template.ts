import { ExpressionError } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import { compileExpression, type Expression, type Place } from './expression.ts';

/** A value with expressions in it, compiled, and what they refer to. */
export interface CompiledTemplate {
  compute: Expression['compute'];
  expressions: readonly Expression[];
}

/** Deeper than a manifest can be: a parser let it through. */
const depthMax = 64;

/**
 * Compiles every `${{ … }}` in a value. A text that is one expression gives the expression's value, else its text. Texts that cannot be compiled
 * are told to `report`, or without it the first is thrown.
 */
export function compileTemplate(
  value: Json,
  pointer: string,
  report?: (error: ExpressionError) => void,
  place: Place = 'workflow',
): CompiledTemplate {
  const expressions: Expression[] = [];
  const compute = compile(value, pointer, { expressions, report, place }, 0);
  return { compute: compute ?? (() => value), expressions };
}

/** Compiles `${{ … }}` or a bare expression, where only an expression is allowed. */
export function compileCondition(source: string, pointer: string, place: Place = 'workflow'): Expression {
  const trimmed = source.trim();
  return compileExpression(trimmed.startsWith('${{') && trimmed.endsWith('}}') ? trimmed.slice(3, -2) : trimmed, pointer, place);
}

interface Found {
  expressions: Expression[];
  report: ((error: ExpressionError) => void) | undefined;
  place: Place;
}

/** Null where nothing is to be computed: the value itself is passed on. */
function compile(value: Json, pointer: string, found: Found, depth: number): Expression['compute'] | null {
  if (depth > depthMax) throw new ExpressionError(`the value is nested more than ${depthMax} levels deep`, pointer, 'limited');
  if (typeof value === 'string') return compileReported(value, pointer, found);
  if (typeof value !== 'object' || value === null) return null;
  if (Array.isArray(value)) {
    const entries = value.map((entry, index) => compile(entry, `${pointer}/${index}`, found, depth + 1));
    if (entries.every((entry) => entry === null)) return null;
    return (scope) => entries.map((entry, index) => (entry === null ? (value[index] as Json) : entry(scope)));
  }
  const fields = Object.entries(value).map(
    ([key, entry]) => [key, entry, compile(entry, `${pointer}/${escape(key)}`, found, depth + 1)] as const,
  );
  if (fields.every(([, , field]) => field === null)) return null;
  return (scope) => {
    const result: Record<string, Json> = {};
    for (const [key, entry, field] of fields) result[key] = field === null ? entry : field(scope);
    return result;
  };
}

function compileReported(text: string, pointer: string, { expressions, report, place }: Found): Expression['compute'] | null {
  try {
    return compileText(text, pointer, expressions, place);
  } catch (error) {
    if (report === undefined || !(error instanceof ExpressionError)) throw error;
    report(error);
    return null;
  }
}

function compileText(text: string, pointer: string, expressions: Expression[], place: Place): Expression['compute'] | null {
  if (!text.includes('${{')) return null;
  const parts: (string | Expression)[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('${{', at);
    if (open < 0) break;
    const close = endOf(text, open + 3);
    if (close < 0) throw new ExpressionError('an expression begins with ${{ and is not ended by }}', pointer);
    if (open > at) parts.push(text.slice(at, open));
    const expression = compileExpression(text.slice(open + 3, close), pointer, place);
    expressions.push(expression);
    parts.push(expression);
    at = close + 2;
  }
  if (at < text.length) parts.push(text.slice(at));
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object') return only.compute;
  return (scope) => parts.map((part) => (typeof part === 'string' ? part : asText(part.compute(scope)))).join('');
}

/** Where `}}` ends the expression: not inside a text, nor where it closes maps. */
function endOf(text: string, from: number): number {
  let quote = '';
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (quote) {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '{') depth++;
    else if (character === '}') {
      if (depth === 0) return text[at + 1] === '}' ? at : -1;
      depth--;
    }
  }
  return -1;
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
}

/** One key of a JSON Pointer (RFC 6901). */
export function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function unescape(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
