import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { FiringView } from './schedule-view.ts';

/** What a trigger hears: a signed POST, the end of another workflow's run, or an event of Signalbox. */
export const triggerKinds = ['webhook', 'runEnded', 'event'] as const;
export type TriggerKind = (typeof triggerKinds)[number];

/** What starts a workflow when something happens. */
export class TriggerView {
  @Matches(namePattern) name!: string;
  @IsOptional() @IsString() description!: string | null;
  @IsObject() labels!: Record<string, string>;
  @IsIn(triggerKinds) kind!: TriggerKind;
  @Matches(namePattern) workflow!: string;
  /** Of a webhook: it is called at `/api/v1/hooks/{hook}`. */
  @IsOptional() @Matches(idPattern('hook')) hook!: string | null;
  /** The workflow whose runs' ends it hears of, or the type of the event. */
  @IsOptional() @IsString() watches!: string | null;
  @IsIn(['active', 'paused']) state!: 'active' | 'paused';
  @IsOptional() @IsString() pausedReason!: string | null;
  @IsOptional() @IsString() pausedBy!: string | null;
  /** What became of the newest event. */
  @IsOptional() @ValidateNested() @Type(() => FiringView) last!: FiringView | null;
  /** Whose rights its runs have: who applied it last. */
  @IsString() appliedBy!: string;
  /** Rises by one with every change, pause and resume. */
  @IsInt() version!: number;
  @IsString() createdAt!: string;
  @IsString() updatedAt!: string;
}

/** A trigger with its manifest. */
export class TriggerDetail extends TriggerView {
  /** As it was applied. */
  @Opaque() @IsObject() manifest!: Record<string, unknown>;
}
