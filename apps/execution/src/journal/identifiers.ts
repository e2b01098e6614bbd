import { pooledBytes } from '@signalbox/shared/ids/random-bytes.js';

/** A new run's identifier (UUIDv7, RFC 9562) of the given time: its day says in which partition the run is, its last byte which shard. */
export function newRunUuid(at: number, shard?: number): string {
  const bytes = pooledBytes(16);
  bytes.writeUIntBE(at, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  if (shard !== undefined) bytes[15] = shard;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const dayMs = 86_400_000;
let lastDay = -1;
let lastText = '';

/** The day inside a run's identifier, `YYYY-MM-DD` in UTC: the partition of its rows. */
export function dayOf(uuid: string): string {
  const day = Math.floor(Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16) / dayMs);
  if (day !== lastDay) {
    lastDay = day;
    lastText = new Date(day * dayMs).toISOString().slice(0, 10);
  }
  return lastText;
}
