import type { Json } from '../core/json.ts';

export interface Difference {
  /** `spec.steps.read.retry.attempts`, `spec.steps.read.needs[0]`. */
  path: string;
  from?: Json;
  to?: Json;
}

/** More differences than these say only that much has changed. */
const differencesMax = 200;

/** Where two manifests differ. */
export function diff(from: Json | undefined, to: Json | undefined, path = '', found: Difference[] = []): Difference[] {
  if (found.length >= differencesMax) return found;
  if (isObject(from) && isObject(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)]))
      diff(from[key], to[key], path === '' ? key : `${path}.${key}`, found);
  } else if (Array.isArray(from) && Array.isArray(to)) {
    for (let index = 0; index < Math.max(from.length, to.length); index++) diff(from[index], to[index], `${path}[${index}]`, found);
  } else if (from !== to) {
    found.push({ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
  }
  return found;
}

function isObject(value: Json | undefined): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
