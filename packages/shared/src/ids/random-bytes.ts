import { randomFillSync } from 'node:crypto';

/** Taken from the system many at a time: asking for each would cost more than what they are for. */
const pool = Buffer.allocUnsafe(24 * 256);
let poolAt = pool.length;

/** So many random bytes, for identifiers that need not be secret: a part of the pool that nobody else gets, until that is filled again. */
export function pooledBytes(count: number): Buffer {
  if (poolAt + count > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  return pool.subarray(poolAt, (poolAt += count));
}
