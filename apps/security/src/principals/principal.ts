import type { Principal, PrincipalKind } from '@signalbox/shared/contracts/security/principal.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { areRightsWithin, type Role } from '@signalbox/shared/identity/roles.js';

/** A principal as it is kept. */
export interface PrincipalEntry {
  uuid: string;
  id: string;
  kind: PrincipalKind;
  name: string;
  roles: Role[];
  /** It administers the installation, not only its workspace. */
  isInstallation: boolean;
  createdAt: Date;
  disabledAt: Date | null;
}

type Rights = Pick<Caller, 'roles' | 'scopes' | 'principal'>;

/** `forbidden` when the roles, narrowed by the scopes, are more than the caller has: nobody gives away what it does not have. */
export function requireWithin(caller: Rights, roles: readonly Role[], scopes: readonly string[]): void {
  if (areRightsWithin(caller, { roles, scopes })) return;
  throw new Fault(
    'forbidden',
    `these rights are more than the caller's own${caller.scopes.length > 0 ? ', which its key narrows' : ''}`,
    'Give fewer roles or narrower scopes, or let an administrator do it.',
  );
}

/** `forbidden` when the roles of a key are more than its principal has. */
export function requireRolesOf({ id, roles: held }: Pick<PrincipalEntry, 'id' | 'roles'>, roles: readonly Role[]): void {
  if (areRightsWithin({ roles: held, scopes: [] }, { roles, scopes: [] })) return;
  throw new Fault('forbidden', `${id} does not have these roles itself`, 'Give the key fewer roles, or the principal more.');
}

/** `forbidden` unless the caller may make or end keys of the principal: an administrator of any, others of agents and their own. */
export function requireKeyholder(caller: Rights, target: Pick<PrincipalEntry, 'id' | 'kind'>): void {
  if (caller.roles.includes('admin') || target.kind === 'agent' || target.id === caller.principal) return;
  throw new Fault('forbidden', 'only administrators decide about keys of other people and programs', 'Ask an administrator.');
}

/** What would be another principal after the change, as one object. `conflict` where the installation would lose its administrator. */
export function changed(
  current: PrincipalEntry,
  change: { name?: string | undefined; roles?: Role[] | undefined; disabled?: boolean | undefined },
  at: Date,
): PrincipalEntry {
  const { name = current.name, roles = current.roles, disabled = current.disabledAt !== null } = change;
  if (current.isInstallation && (disabled || !roles.includes('admin'))) {
    throw new Fault('conflict', 'this principal administers the installation', 'Change its key instead: start with another ADMIN_KEY.');
  }
  return { ...current, name, roles, disabledAt: disabled ? (current.disabledAt ?? at) : null };
}

/** Whether the change takes rights away or gives others: what was traded for its credentials must be traded anew. */
export function hasOtherRights(before: PrincipalEntry, after: PrincipalEntry): boolean {
  return (before.disabledAt === null) !== (after.disabledAt === null) || before.roles.toSorted().join() !== after.roles.toSorted().join();
}

/** Whether a workspace needs somebody else to administer it once this one does no longer. */
export function stopsAdministering(before: PrincipalEntry, after: PrincipalEntry): boolean {
  return administers(before) && !administers(after);
}

function administers({ roles, disabledAt, kind }: PrincipalEntry): boolean {
  return roles.includes('admin') && disabledAt === null && kind !== 'agent';
}

/** The principal at the edge. */
export function shownPrincipal({ id, kind, name, roles, disabledAt, createdAt }: PrincipalEntry): Principal {
  return { id, kind, name, roles, disabled: disabledAt !== null, createdAt: createdAt.toISOString() };
}
