import { createHash } from 'node:crypto';
import { shardCount } from './shard-count.ts';

/**
 * Which replica each shard belongs with: rendezvous hashing (Thaler and Ravishankar, 1998), so that a replica that comes or goes moves its
 * own share alone.
 */
export function placement(replicas: readonly string[]): (string | undefined)[] {
  return Array.from({ length: shardCount }, (_, shard) => {
    let best: string | undefined;
    let most = -1n;
    for (const replica of replicas) {
      const weight = createHash('sha256').update(`${replica} ${shard}`).digest().readBigUInt64BE();
      if (weight > most) [most, best] = [weight, replica];
    }
    return best;
  });
}
