import type { ApplyAction } from '@signalbox/shared/contracts/registry/apply-reply.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** What an apply does to a server at `current`. `conflict` when `expectedVersion` is not the current one (0: there is none). */
export function nextVersion(
  name: string,
  current: { version: number; hash: string } | null,
  hash: string,
  expectedVersion?: number,
): { action: ApplyAction; version: number } {
  checkVersion(name, current, expectedVersion);
  if (current === null) return { action: 'created', version: 1 };
  return current.hash === hash ? { action: 'unchanged', version: current.version } : { action: 'updated', version: current.version + 1 };
}

/** Throws `conflict` when somebody changed the server since it was seen. */
export function checkVersion(name: string, current: { version: number } | null, expectedVersion?: number): void {
  const version = current?.version ?? 0;
  if (expectedVersion === undefined || expectedVersion === version) return;
  const stands = version === 0 ? 'does not exist' : `is at version ${version}`;
  throw new Fault(
    'conflict',
    `the MCP server ${name} ${stands}, not ${expectedVersion === 0 ? 'new' : expectedVersion}`,
    'Read it again and repeat the change.',
    {
      status: 412,
    },
  );
}

export function serverMissing(name: string): Fault {
  return new Fault('not_found', `there is no MCP server ${name}`, 'GET /api/v1/mcp-servers lists them.');
}
