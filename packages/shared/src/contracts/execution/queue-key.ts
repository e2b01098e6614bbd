import { shardCount } from '../../shards/shard-count.ts';

/** Names the queue in which an agent's tasks of a workspace wait. */
export function agentQueueKey(workspace: string, agent: string): string {
  return `agent ${workspace} ${agent}`;
}

/** Names a limit of a workspace; its key may be anything. */
export function limitKey(workspace: string, name: string, key: string): string {
  return `limit ${workspace} ${name} ${key}`;
}

/** The shard whose owner keeps a queue: FNV-1a of its key. */
export function shardOfQueue(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % shardCount;
}
