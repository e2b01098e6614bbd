import { Type } from 'class-transformer';
import { IsArray, IsInt, IsISO8601, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { StateAddress, stateScopePattern } from './state.ts';

export class ListStateRequest extends PageRequest {
  @Matches(stateScopePattern) scope!: string;
}

/** A key without its value, which may be large. */
export class StateKey extends StateAddress {
  @IsInt() @Min(1) version!: number;
  /** Of the value, encoded. */
  @IsInt() @Min(0) bytes!: number;
  @IsISO8601() updatedAt!: string;
  @IsString() updatedBy!: string;
}

export class ListStateReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => StateKey) data!: StateKey[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The keys of a scope, in their order; `q` is a part of the key. */
export const listState = defineContract({
  subject: 'sb.context.state.list',
  request: ListStateRequest,
  reply: ListStateReply,
  permission: 'state:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server', 'registry'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
