import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { breakerStates, type BreakerState } from '../registry/agent.ts';
import { Breaker } from './breaker.ts';

export class ListBreakersRequest extends PageRequest {
  @IsOptional() @IsIn(breakerStates) state?: BreakerState;
}

export class ListBreakersReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Breaker) data!: Breaker[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Breakers that ever opened, by target; a target that is not listed is closed. */
export const listBreakers = defineContract({
  subject: 'sb.protocol.breaker.list',
  request: ListBreakersRequest,
  reply: ListBreakersReply,
  permission: 'agents:read',
  callers: ['api-gateway', 'registry', 'execution'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
