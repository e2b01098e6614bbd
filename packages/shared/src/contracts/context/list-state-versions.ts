import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsISO8601, IsString, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { StateAddress } from './state.ts';

export class ListStateVersionsRequest extends StateAddress {}

export class StateVersion {
  @IsInt() @Min(1) version!: number;
  /** Whether this version took the key away. */
  @IsBoolean() isDeleted!: boolean;
  @IsInt() @Min(0) bytes!: number;
  @IsISO8601() updatedAt!: string;
  @IsString() updatedBy!: string;
}

export class ListStateVersionsReply {
  /** The newest first: the current one and at most 32 before it. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => StateVersion) data!: StateVersion[];
}

/** Who wrote a key and when; a version's value is read by `get-state`. */
export const listStateVersions = defineContract({
  subject: 'sb.context.state.list-versions',
  request: ListStateVersionsRequest,
  reply: ListStateVersionsReply,
  permission: 'state:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
