import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Review } from './review.ts';

export class ListReviewsRequest extends PageRequest {}

export class ListReviewsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Review) data!: Review[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Agents to sign off, in order of their names; `q` looks into names. */
export const listReviews = defineContract({
  subject: 'sb.registry.review.list',
  request: ListReviewsRequest,
  reply: ListReviewsReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
});
