import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Gate } from './gate.ts';

export class ListGatesRequest extends PageRequest {
  /** Only built-in gates, or only others; absent: all that count. */
  @IsOptional() @IsBoolean() builtIn?: boolean;
}

export class ListGatesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Gate) data!: Gate[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Gates in order of their names; `q` looks into name, description and metrics. */
export const listGates = defineContract({
  subject: 'sb.registry.gate.list',
  request: ListGatesRequest,
  reply: ListGatesReply,
  permission: 'gates:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
