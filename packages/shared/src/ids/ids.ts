import { fromUUID, toUUID, type TypeId } from 'typeid-js';
import { v7 } from 'uuid';
import { Fault } from '../errors/fault.ts';

/** An identifier at the edge: the prefix tells a person what it is, the rest is a UUIDv7 in base 32 (TypeID 0.3). */
export type Id<Prefix extends string = string> = `${Prefix}_${string}`;

/** A new identifier, in order of time. */
export function newId<Prefix extends string>(prefix: Prefix): Id<Prefix> {
  return fromUuid(prefix, v7());
}

/** A new UUIDv7 for the database. */
export function newUuid(): string {
  return v7();
}

/** When a UUIDv7 was made, in milliseconds. */
export function timeOfUuid(uuid: string): number {
  return parseInt(uuid.replace('-', '').slice(0, 12), 16);
}

/** The identifier at the edge of a UUID in the database. */
export function fromUuid<Prefix extends string>(prefix: Prefix, uuid: string): Id<Prefix> {
  return fromUUID(uuid, prefix) as Id<Prefix>;
}

/** The UUID of an identifier. `not_found` when it cannot be one of this kind, as if nothing had that name. */
export function toUuid(id: string, prefix: string): string {
  try {
    // The library's own check of a whole identifier decodes it three times.
    const at = prefix.length;
    if (id.startsWith(prefix) && id.lastIndexOf('_') === at && (id[at + 1] ?? '8') <= '7') return toUUID(id as TypeId<string>);
  } catch (cause) {
    throw unknownId(id, prefix, cause);
  }
  throw unknownId(id, prefix);
}

function unknownId(id: string, prefix: string, cause?: unknown): Fault {
  return new Fault('not_found', `there is no ${prefix} ${id.slice(0, 80)}`, 'Check the identifier.', { cause });
}

/** What an identifier with this prefix looks like, for `@Matches`. */
export function idPattern(prefix: string): RegExp {
  // eslint-disable-next-line no-restricted-syntax -- the prefix is a literal of ours
  return new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`);
}

/** A DNS label (RFC 1123): names of agents, servers, workflows, deployments. */
export const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** What a name must be, in words. */
export const nameWords = 'a name: lower-case letters, digits and hyphens, at most 63, no hyphen at either end';
