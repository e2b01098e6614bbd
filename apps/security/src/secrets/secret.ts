import { secretMaxBytes, type Secret } from '@signalbox/shared/contracts/security/secret.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { SealingKey } from '../sealing/sealing-key.ts';

/** A secret as it is kept, its value sealed with the workspace's data key of that version. */
export interface SecretEntry {
  uuid: string;
  name: string;
  description: string;
  version: number;
  dataKey: number;
  sealed: Buffer;
  createdAt: Date;
  createdBy: string;
  updatedAt: Date;
  updatedBy: string;
  lastUsedAt: Date | null;
}

/** Which value of which secret it is: sealed for one place it does not open in another. */
export type Place = Pick<SecretEntry, 'uuid' | 'version'> & { workspace: string };

function placeName({ workspace, uuid, version }: Place): string {
  return `secret ${workspace} ${uuid} ${version}`;
}

export function sealValue(key: SealingKey, place: Place, value: string): Buffer {
  return key.seal(placeName(place), Buffer.from(value));
}

/** Throws when it was sealed for another place or with another key. */
export function openValue(key: SealingKey, place: Place, sealed: Buffer): string {
  return key.open(placeName(place), sealed).toString();
}

/** Throws `invalid` for what no contract's decorator sees. */
export function requireUsable(value: string): void {
  const detail = !value.isWellFormed()
    ? 'is no text'
    : Buffer.byteLength(value) > secretMaxBytes
      ? `has more than ${secretMaxBytes} bytes`
      : null;
  if (detail !== null) {
    throw new Fault('invalid', `the value ${detail}`, 'Keep something smaller, as UTF-8; larger things are artifacts.', {
      errors: [{ pointer: '/value', detail }],
    });
  }
}

/** The secret at the edge. */
export function shownSecret({ name, description, version, createdAt, createdBy, updatedAt, updatedBy, lastUsedAt }: SecretEntry): Secret {
  return {
    name,
    description,
    version,
    createdAt: createdAt.toISOString(),
    createdBy,
    updatedAt: updatedAt.toISOString(),
    updatedBy,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}

export function unknownSecret(name: string): Fault {
  return new Fault('not_found', `there is no secret ${name}`, `Set it: signalbox secrets set ${name}.`);
}
