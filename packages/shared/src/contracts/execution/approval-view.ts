import { Type } from 'class-transformer';
import { Allow, IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';

/** `open`: it waits for an answer; `expired`: its deadline ended it; `withdrawn`: its run ended before. */
export const approvalStatuses = ['open', 'approved', 'rejected', 'expired', 'withdrawn'] as const;
export type ApprovalStatus = (typeof approvalStatuses)[number];

/** Who may answer: whoever has one of the roles, or is one of the principals, by identifier or by name. */
export class Answerers {
  @IsArray() @IsString({ each: true }) roles!: string[];
  @IsArray() @IsString({ each: true }) principals!: string[];
}

export class AnsweredBy {
  @IsString() id!: string;
  @IsString() name!: string;
}

/** Something that a workflow asks of people. Times are ISO 8601. */
export class ApprovalView {
  @Matches(idPattern('approval')) id!: string;
  @Matches(idPattern('run')) run!: string;
  @IsString() workflow!: string;
  /** The step's key, `deploy[3]` for an item. */
  @IsString() step!: string;
  @IsString() label!: string;
  /** What is asked; in lists its first 500 characters. */
  @IsString() message!: string;
  @IsIn(approvalStatuses) status!: ApprovalStatus;
  /** Who may answer by now; null: whoever may answer approvals at all. */
  @IsOptional() @ValidateNested() @Type(() => Answerers) by!: Answerers | null;
  @IsString() askedAt!: string;
  @IsOptional() @IsString() deadline!: string | null;
  /** When who may answer was last reminded. */
  @IsOptional() @IsString() remindedAt!: string | null;
  /** When it was answered, or ended without an answer. */
  @IsOptional() @IsString() answeredAt!: string | null;
  /** Null while it is open, and when nobody answered. */
  @IsOptional() @ValidateNested() @Type(() => AnsweredBy) answeredBy!: AnsweredBy | null;
  /** Whether the caller may answer it now; if not and it is open, `whyNot` says why. */
  @IsBoolean() mayAnswer!: boolean;
  @IsOptional() @IsString() whyNot!: string | null;
}

/** From `at` on, these may answer too. */
export class EscalationView {
  @IsString() at!: string;
  @ValidateNested() @Type(() => Answerers) by!: Answerers;
}

/** An approval with all that is needed to answer it. */
export class ApprovalDetail extends ApprovalView {
  /** What people are shown beside the message. Cut when it is large: `{ "truncated": true, "bytes": 123456, "preview": "…" }`. */
  @Opaque() @Allow() shown!: unknown;
  /** JSON Schema of the data that an approving answer carries; null: it carries none. */
  @Opaque() @Allow() form!: Record<string, unknown> | null;
  /** Those to come. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => EscalationView) escalations!: EscalationView[];
  /** When they are reminded; those to come. */
  @IsArray() @IsString({ each: true }) reminders!: string[];
  @IsIn(['fail', 'approve', 'reject']) onDeadline!: 'fail' | 'approve' | 'reject';
  @IsIn(['fail', 'continue']) onReject!: 'fail' | 'continue';
  @IsString() startedBy!: string;
  /** Of the answer. */
  @Opaque() @Allow() data!: unknown;
  @IsOptional() @IsString() comment!: string | null;
}
