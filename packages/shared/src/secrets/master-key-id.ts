import { createHash } from 'node:crypto';

/** Names a master key (32 bytes) without telling it: what it sealed and backups that need it say this. */
export function masterKeyId(key: Uint8Array): string {
  return createHash('sha256').update('signalbox master key\0').update(key).digest('hex').slice(0, 16);
}
