/** What JSON can say. Inputs, outputs and what expressions give are of this type. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * About how many bytes `value` takes as JSON. Stops counting once past `limit`, so that a value which shares parts of itself many
 * times over (as expressions can build) costs no more than the limit to refuse.
 */
export function sizeOf(value: Json, limit = Number.MAX_SAFE_INTEGER): number {
  let size = 0;
  const stack: Json[] = [value];
  while (stack.length > 0 && size <= limit) {
    const next = stack.pop() as Json;
    if (next === null || typeof next === 'boolean') size += 4;
    else if (typeof next === 'number') size += 8;
    else if (typeof next === 'string') size += next.length + 2;
    else if (Array.isArray(next)) {
      size += 2 + next.length;
      for (const entry of next) stack.push(entry);
    } else {
      size += 2;
      for (const key in next) {
        size += key.length + 4;
        stack.push(next[key] as Json);
      }
    }
  }
  return size;
}

/** Whether both are the same, in whatever order their keys are, and however deep they are. */
export function isSameJson(one: Json, other: Json): boolean {
  const stack: [Json, Json][] = [[one, other]];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [a, b] = next;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
      if (a !== b) return false;
      continue;
    }
    const keys = Object.keys(a);
    if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(b, key)) return false;
      stack.push([(a as Record<string, Json>)[key] as Json, (b as Record<string, Json>)[key] as Json]);
    }
  }
  return true;
}
