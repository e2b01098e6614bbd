import { ArrayMaxSize, IsArray, IsInt, Max, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { shardCount } from '../../shards/shard-count.ts';

/** Shards that another replica owns from now on, and answers for. */
export class ShardsTaken {
  @IsArray()
  @ArrayMaxSize(shardCount)
  @IsInt({ each: true })
  @Min(0, { each: true })
  @Max(shardCount - 1, { each: true })
  shards!: number[];
}

/** Who has an open request to these shards' owner asks again: the one that was asked may be gone. Of no workspace. */
export const shardsTaken = defineEvent({
  subject: 'sb.live.execution.shard.taken',
  payload: ShardsTaken,
  listeners: ['api-gateway', 'registry', 'mcp-server', 'protocol', 'context', 'execution'],
});
