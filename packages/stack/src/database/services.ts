import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';

/** The one database of an installation. */
export const databaseName = 'signalbox';

/** The service that owns nothing durable. */
const stateless: ServiceName = 'api-gateway';

/** Services with a schema of their own, in the order in which they are migrated. */
export const owningServices: readonly ServiceName[] = serviceNames.filter((name) => name !== stateless);

/** The schema of a service, which is also the name of its role for requests. */
export function schemaOf(service: ServiceName): string {
  return service.replaceAll('-', '_');
}

/** The three roles of a service: `owner` migrates, `request` serves under row security, `system` does background work. */
export const roleKinds = ['owner', 'request', 'system'] as const;
export type RoleKind = (typeof roleKinds)[number];

export function roleOf(service: ServiceName, kind: RoleKind): string {
  return kind === 'request' ? schemaOf(service) : `${schemaOf(service)}_${kind}`;
}

/** Reads every schema for backups, and writes nothing. */
export const backupRole = 'signalbox_backup';

/** Every role of an installation. */
export const allRoles: readonly string[] = [
  ...owningServices.flatMap((service) => roleKinds.map((kind) => roleOf(service, kind))),
  backupRole,
];
