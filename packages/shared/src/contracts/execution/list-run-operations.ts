import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { RunOperationView } from './run-operation.ts';

export class ListRunOperationsRequest extends PageRequest {}

export class ListRunOperationsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RunOperationView) data!: RunOperationView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Operations on many runs, the newest first. */
export const listRunOperations = defineContract({
  subject: 'sb.execution.run-operation.list',
  request: ListRunOperationsRequest,
  reply: ListRunOperationsReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
