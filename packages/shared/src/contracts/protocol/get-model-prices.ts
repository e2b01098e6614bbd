import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsNumber, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class GetModelPricesRequest {
  @IsArray() @ArrayMaxSize(1_000) @Matches(/^\S{1,256}$/, { each: true }) models!: string[];
}

/** What a model costs, in US dollars for a million tokens. */
export class ModelPrice {
  @IsString() model!: string;
  @IsNumber() @Min(0) inputUsd!: number;
  @IsNumber() @Min(0) outputUsd!: number;
}

export class GetModelPricesReply {
  /** Those of the models whose price is known. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => ModelPrice) data!: ModelPrice[];
}

/** The prices of models, as `MODEL_PRICES` names them. */
export const getModelPrices = defineContract({
  subject: 'sb.protocol.model.prices',
  request: GetModelPricesRequest,
  reply: GetModelPricesReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 2_000,
  maxBytes: 300_000,
  idempotent: true,
  identity: 'service',
});
