import { createHash } from 'node:crypto';

/**
 * The shard whose owner hears the instances of an agent: the first byte of a SHA-256, which PostgreSQL computes likewise for its rows. All instances
 * of an agent have one owner, since its status depends on all of them.
 */
export function shardOfAgent(workspace: string, agent: string): number {
  return createHash('sha256').update(`${workspace} ${agent}`).digest()[0] as number;
}
