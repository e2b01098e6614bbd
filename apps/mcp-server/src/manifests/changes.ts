import { secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import type { Change } from '@signalbox/shared/contracts/registry/apply-reply.js';
import type { McpServerManifest } from './manifest.ts';

/** More changes than this are told as one of the whole. */
const changesMax = 200;
const hidden = '(hidden)';
/** Variables and headers that hold credentials, by their names. */
const credentialNames = /key|token|secret|passw|credential|auth|cookie|session/i;
const credentialPath = /^spec\.(?:env|headers)(?:\.|\[")(?<name>[^"]+)/;

/** Where `to` differs from `from`, in order of the keys; credentials are told to differ, but not how. `{}` as `from`: everything is new. */
export function changesBetween(from: object, to: object): Change[] {
  const changes: Change[] = [];
  collect(from, to, '', changes);
  return changes.length > changesMax ? [{ path: '', to: withoutCredentials(to) }] : changes.map(hideCredential);
}

function hideCredential(change: Change): Change {
  const name = credentialPath.exec(change.path)?.groups?.['name'];
  const isCredential = name !== undefined && credentialNames.test(name);
  if (!isCredential) return { ...change, ...('to' in change && { to: withoutCredentials(change.to, change.path) }) };
  return { path: change.path, ...('from' in change && { from: hidden }), ...('to' in change && { to: hidden }) };
}

function collect(from: unknown, to: unknown, path: string, changes: Change[]): void {
  if (Object.is(from, to)) return;
  if (isContainer(from) && isContainer(to) && Array.isArray(from) === Array.isArray(to)) {
    const isList = Array.isArray(from);
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    for (const key of isList ? keys.sort((left, right) => Number(left) - Number(right)) : keys.sort()) {
      collect(from[key], to[key], pathOf(path, key, isList), changes);
    }
    return;
  }
  changes.push({ path, ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
}

/** `spec.command[2]`; keys that would blur it stand in brackets and quotes. */
function pathOf(parent: string, key: string, isList: boolean): string {
  if (isList) return `${parent}[${key}]`;
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The manifest as readers may see it. */
export function shownManifest(manifest: McpServerManifest): Record<string, unknown> {
  return withoutCredentials(manifest) as Record<string, unknown>;
}

/** A manifest, or the part of one at `path`, with the values of credentials hidden. */
function withoutCredentials(value: unknown, path = ''): unknown {
  if (!isContainer(value)) return value;
  const field = path.split('.').at(-1);
  if (field === 'env' || field === 'headers') {
    return Object.fromEntries(
      Object.entries(value).map(([name, text]) => [
        name,
        credentialNames.test(name) && secretNamesIn(String(text)).length === 0 ? hidden : text,
      ]),
    );
  }
  if (Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, ['spec', 'env', 'headers'].includes(key) ? withoutCredentials(part, key) : part]),
  );
}
