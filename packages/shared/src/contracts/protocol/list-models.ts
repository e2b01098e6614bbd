import { Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class ListModelsRequest {}

/** A model of a provider. */
export class Model {
  /** As the provider calls it: what stands in an agent's `llm.model`. */
  @IsString() id!: string;
  @IsString() provider!: string;
  @IsOptional() @IsString() ownedBy?: string;
  /** Epoch seconds, 0 where the provider does not say. */
  @IsInt() created!: number;
}

export class ListModelsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Model) data!: Model[];
}

/** Models of the configured providers, in order of their ids; none without a provider. `unavailable` when a provider does not answer. */
export const listModels = defineContract({
  subject: 'sb.protocol.model.list',
  request: ListModelsRequest,
  reply: ListModelsReply,
  permission: 'models:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 12_000,
  maxBytes: 64,
  idempotent: true,
});
