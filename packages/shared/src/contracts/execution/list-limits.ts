import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { CalledShare, limitKinds, LimitView, type LimitKind } from './limit-view.ts';

export class ListLimitsRequest extends PageRequest {
  /** Only of this kind. */
  @IsOptional() @IsIn(limitKinds) kind?: LimitKind;
  /** Only those that something waits for. */
  @IsOptional() @IsBoolean() waiting?: boolean;
}

export class ListLimitsReply {
  @Opaque() @IsArray() @Type(() => LimitView) data!: LimitView[];
  @IsOptional() @IsString() nextCursor!: string | null;
  /** Of each replica that answered, together. */
  @ValidateNested() @Type(() => CalledShare) calls!: CalledShare;
  /** Replicas that did not answer in time: what they keep is not here. */
  @IsInt() missing!: number;
}

/** Limits and queues of the workspace as they stand now, by kind and name. */
export const listLimits = defineContract({
  subject: 'sb.execution.limit.list',
  request: ListLimitsRequest,
  reply: ListLimitsReply,
  permission: 'runs:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
