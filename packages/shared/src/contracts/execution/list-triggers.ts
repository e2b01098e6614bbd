import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { TriggerView, triggerKinds, type TriggerKind } from './trigger-view.ts';

export class ListTriggersRequest extends PageRequest {
  @IsOptional() @IsString() @MaxLength(63) workflow?: string;
  @IsOptional() @IsIn(triggerKinds) kind?: TriggerKind;
}

export class ListTriggersReply {
  @Opaque() @IsArray() @Type(() => TriggerView) data!: TriggerView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Triggers in the order of their names. */
export const listTriggers = defineContract({
  subject: 'sb.execution.trigger.list',
  request: ListTriggersRequest,
  reply: ListTriggersReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
