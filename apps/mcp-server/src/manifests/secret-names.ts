import { secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import type { McpServerSpec } from './manifest.ts';

/** The names of the secrets that a server is given: in variables of a process, in headers of a request. */
export function secretNamesOf(spec: McpServerSpec): string[] {
  const given = spec.transport === 'stdio' ? spec.env : spec.headers;
  return [...new Set(Object.values(given ?? {}).flatMap(secretNamesIn))];
}
