import type { PrincipalKind } from '@signalbox/shared/contracts/security/principal.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';

const prefixes: Record<PrincipalKind, string> = { user: 'user', 'service-account': 'sa', agent: 'agent' };

/** The id of a principal at the edge: `user_…`, `sa_…`, `agent_…`. */
export function principalId(kind: PrincipalKind, uuid: string): string {
  return fromUuid(prefixes[kind], uuid);
}

/** Kind and UUID of a principal's id. `not_found` for what is none. */
export function parsePrincipalId(id: string): { kind: PrincipalKind; uuid: string } {
  const prefix = id.slice(0, Math.max(0, id.indexOf('_')));
  const kind = (Object.keys(prefixes) as PrincipalKind[]).find((known) => prefixes[known] === prefix);
  if (!kind) throw new Fault('not_found', `there is no principal ${id.slice(0, 80)}`, 'Check the identifier.');
  return { kind, uuid: toUuid(id, prefix) };
}
