import type { Key } from '@signalbox/shared/contracts/security/key.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { principalId } from '../credentials/principal-id.ts';
import type { PrincipalEntry } from '../principals/principal.ts';

/** A key as it is kept: of the key itself only a hash, which no query reads back. */
export interface KeyEntry {
  uuid: string;
  name: string;
  principal: Pick<PrincipalEntry, 'uuid' | 'kind' | 'name' | 'roles'>;
  /** Null: those of the principal. */
  roles: Role[] | null;
  scopes: string[];
  createdAt: Date;
  createdBy: string;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** The key at the edge. */
export function shownKey({ uuid, name, principal, roles, scopes, createdAt, createdBy, expiresAt, lastUsedAt, revokedAt }: KeyEntry): Key {
  return {
    id: fromUuid('key', uuid),
    name,
    principal: principalId(principal.kind, principal.uuid),
    principalName: principal.name,
    roles: roles ?? principal.roles,
    scopes,
    createdAt: createdAt.toISOString(),
    createdBy,
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
