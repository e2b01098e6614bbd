/** Keywords of JSON Schema (2020-12) whose schemas apply to the same value as the one that they stand in. */
const inPlace = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'] as const;

/**
 * The reference by which a schema comes back to itself without having gone down into the value: checking any value by it would never end. Null:
 * there is none; recursion through `properties`, `items` and the like ends with the value. References that lead outside are not followed.
 */
export function endlessReference(root: Record<string, unknown>): string | null {
  const finished = new Set<object>();

  const follow = (schema: unknown, open: ReadonlySet<object>): string | null => {
    if (typeof schema !== 'object' || schema === null || finished.has(schema)) return null;
    const within = new Set(open).add(schema);
    const { $ref, $dynamicRef } = schema as Record<string, unknown>;
    for (const reference of [$ref, $dynamicRef]) {
      const target = typeof reference === 'string' ? resolve(root, reference) : undefined;
      if (typeof target !== 'object' || target === null) continue;
      const found = within.has(target) ? String(reference) : follow(target, within);
      if (found !== null) return found;
    }
    for (const keyword of inPlace) {
      const part = (schema as Record<string, unknown>)[keyword];
      const schemas = Array.isArray(part) ? part : keyword === 'dependentSchemas' ? Object.values(part ?? {}) : [part];
      for (const each of schemas) {
        const found = follow(each, within);
        if (found !== null) return found;
      }
    }
    finished.add(schema);
    return null;
  };

  const everywhere = (value: unknown): string | null => {
    if (typeof value !== 'object' || value === null) return null;
    const found = follow(value, new Set());
    if (found !== null) return found;
    for (const child of Object.values(value)) {
      const deeper = everywhere(child);
      if (deeper !== null) return deeper;
    }
    return null;
  };
  return everywhere(root);
}

/** What a reference within the document names by JSON Pointer; undefined for all others. */
function resolve(root: Record<string, unknown>, reference: string): unknown {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const token of reference.slice(2).split('/')) {
    if (typeof at !== 'object' || at === null) return undefined;
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    at = Object.hasOwn(at, key) ? (at as Record<string, unknown>)[key] : undefined;
  }
  return at;
}
