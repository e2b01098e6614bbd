import { stateValueMaxBytes } from '@signalbox/shared/contracts/context/state.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** One key as it stands: a key that was deleted keeps its version, so that a later write is not mistaken for an earlier one. */
export interface StateEntry {
  version: number;
  value: unknown;
  isDeleted: boolean;
}

/** Keys of one scope: what has more of a kind belongs in a database of its own. */
export const scopeKeysMax = 10_000;

/** The value as JSON text. `invalid` when it is larger than shared state is for. */
export function encodeValue(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  const bytes = Buffer.byteLength(text);
  if (bytes > stateValueMaxBytes) {
    throw new Fault(
      'invalid',
      `the value has ${bytes} bytes, at most ${stateValueMaxBytes} are kept in shared state`,
      'Keep it as an artifact and store its id.',
      {
        status: 413,
        errors: [{ pointer: '/value', detail: `must have at most ${stateValueMaxBytes} bytes as JSON` }],
      },
    );
  }
  return text;
}

/** The entry after a write. `conflict` when `expectedVersion` is not the current version (0: no entry). */
export function nextEntry(current: StateEntry | null, value: unknown, expectedVersion?: number): StateEntry {
  checkVersion(current, expectedVersion);
  return { version: (current?.version ?? 0) + 1, value: value ?? null, isDeleted: false };
}

/** The entry after a deletion; null when there is nothing to delete. `conflict` likewise. */
export function deletedEntry(current: StateEntry | null, expectedVersion?: number): StateEntry | null {
  if (!current || current.isDeleted) return null;
  checkVersion(current, expectedVersion);
  return { version: current.version + 1, value: null, isDeleted: true };
}

function checkVersion(current: StateEntry | null, expected: number | undefined): void {
  const version = current && !current.isDeleted ? current.version : 0;
  if (expected !== undefined && expected !== version) {
    throw new Fault(
      'conflict',
      version === 0 ? 'the key does not exist' : `the key is at version ${version}, not ${expected}`,
      'Read it again and repeat the change.',
      { status: 412 },
    );
  }
}
