/** Logical shards that the work of a service hashes onto. Fixed: replicas own some of them each. */
export const shardCount = 256;
