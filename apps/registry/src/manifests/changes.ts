import type { Change } from '@signalbox/shared/contracts/registry/apply-reply.js';

/** More changes than this are told as one of the whole. */
const changesMax = 200;

/** Where `to` differs from `from`, in order of the keys; arrays are compared place by place. `{}` as `from`: everything is new. */
export function changesBetween(from: unknown, to: unknown): Change[] {
  const changes: Change[] = [];
  collect(from, to, '', changes);
  return changes.length > changesMax ? [{ path: '', from, to }] : changes;
}

function collect(from: unknown, to: unknown, path: string, changes: Change[]): void {
  if (Object.is(from, to)) return;
  if (isContainer(from) && isContainer(to) && Array.isArray(from) === Array.isArray(to)) {
    const isList = Array.isArray(from);
    for (const key of [...new Set([...Object.keys(from), ...Object.keys(to)])].sort(isList ? byPlace : undefined)) {
      collect(from[key], to[key], pathOf(path, key, isList), changes);
    }
    return;
  }
  changes.push({ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
}

/** `spec.agents[2].dependsOn[0]`; keys that would blur it stand in brackets and quotes. */
function pathOf(parent: string, key: string, isList: boolean): string {
  if (isList) return `${parent}[${key}]`;
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

function byPlace(left: string, right: string): number {
  return Number(left) - Number(right);
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
