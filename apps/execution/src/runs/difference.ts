import type { Difference } from '@signalbox/shared/contracts/execution/compare-runs.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { cut } from '@signalbox/workflow/views/cut.js';

/** Differences that are told of one pair of values, how deep they are looked for, and how much of a value is shown. */
const bounds = { differences: 20, depth: 12, valueBytes: 512 };

/** Where two JSON values differ, in the order of the first. */
export function differencesOf(a: Json | undefined, b: Json | undefined): Difference[] {
  const found: Difference[] = [];
  compare(a, b, '', 0, found);
  return found;
}

function compare(a: Json | undefined, b: Json | undefined, pointer: string, depth: number, found: Difference[]): void {
  if (found.length >= bounds.differences || a === b) return;
  const areAlike = isTree(a) && isTree(b) && Array.isArray(a) === Array.isArray(b);
  if (!areAlike || depth >= bounds.depth) {
    if (areAlike && JSON.stringify(a) === JSON.stringify(b)) return;
    found.push({
      pointer,
      ...(a !== undefined && { a: cut(a, bounds.valueBytes) }),
      ...(b !== undefined && { b: cut(b, bounds.valueBytes) }),
    });
    return;
  }
  const [left, right] = [a as Record<string, Json>, b as Record<string, Json>];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) {
    if (found.length >= bounds.differences) return;
    const own = (tree: Record<string, Json>): Json | undefined => (Object.hasOwn(tree, key) ? tree[key] : undefined);
    compare(own(left), own(right), `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1, found);
  }
}

function isTree(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null;
}
