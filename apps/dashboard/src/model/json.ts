import type { Json } from '../api/shapes.ts';

/** JSON with short arrays and objects on one line, so that a step's input reads like a sentence and not like a list. */
export function compactJson(value: unknown, width = 64, indent = ''): string {
  const flat = JSON.stringify(value);
  if (flat === undefined) return 'nothing';
  if (value === null || typeof value !== 'object' || flat === '[]' || flat === '{}') return flat;
  const entries = Array.isArray(value) ? null : Object.entries(value);
  const isShallow = Object.values(value).every((each) => each === null || typeof each !== 'object');
  if (isShallow) {
    const spaced = entries
      ? `{ ${entries.map(([key, each]) => `${JSON.stringify(key)}: ${JSON.stringify(each)}`).join(', ')} }`
      : `[${(value as unknown[]).map((each) => JSON.stringify(each)).join(', ')}]`;
    if (spaced.length + indent.length <= width) return spaced;
  }
  const inner = `${indent}  `;
  const parts = entries
    ? entries.map(([key, each]) => `${inner}${JSON.stringify(key)}: ${compactJson(each, width, inner)}`)
    : (value as unknown[]).map((each) => inner + compactJson(each, width, inner));
  const [open, close] = entries ? ['{', '}'] : ['[', ']'];
  return `${open}\n${parts.join(',\n')}\n${indent}${close}`;
}

/** Parses JSON that a person typed; the fault says line and column. */
export function parseJson(text: string): { value: Json } | { fault: string } {
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    const at = faultAt(text);
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    const what = at >= text.length ? 'it ends too early' : `${JSON.stringify(text.charAt(at))} is not expected`;
    return { fault: `This is not JSON: ${what}, at line ${line}, column ${column}.` };
  }
}

const token =
  /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** Where text stops to be JSON: browsers word it differently, and some do not say it. */
function faultAt(text: string): number {
  /** What may come next: a value, a key, a colon, or what ends one. */
  let expected: 'value' | 'first' | 'key' | 'colon' | 'end' = 'value';
  const open: string[] = [];
  token.lastIndex = 0;
  for (;;) {
    const from = token.lastIndex;
    const start = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
    const found = token.exec(text);
    if (!found) return start;
    const [, mark, string] = found;
    const isValue = mark === undefined;
    const inside = open.at(-1);
    if (
      expected === 'colon'
        ? mark !== ':'
        : expected === 'key' || (expected === 'first' && inside === '{')
          ? string === undefined && !(expected === 'first' && mark === '}')
          : false
    )
      return start;
    if (mark === '{' || mark === '[') {
      if (expected === 'end' || (expected !== 'value' && inside === '{')) return start;
      open.push(mark);
      expected = 'first';
    } else if (mark === '}' || mark === ']') {
      if (inside !== (mark === '}' ? '{' : '[') || (expected !== 'end' && expected !== 'first')) return start;
      open.pop();
      expected = 'end';
    } else if (mark === ',') {
      if (expected !== 'end' || inside === undefined) return start;
      expected = inside === '{' ? 'key' : 'value';
    } else if (mark === ':') {
      if (expected !== 'colon') return start;
      expected = 'value';
    } else if (isValue) {
      if (expected === 'end') return start;
      expected = inside === '{' && expected !== 'value' ? 'colon' : 'end';
    }
  }
}
