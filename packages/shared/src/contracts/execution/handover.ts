import { Type } from 'class-transformer';
import { Allow, IsArray, IsInt, IsNumber, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';

/** A partial result that an executor tells, encoded as JSON; what is larger is an artifact, and its reference is told. */
export const partialMaxBytes = 16_384;

/** What an executor said of its work. */
export class HandoverMessage {
  /** Epoch milliseconds. */
  @IsInt() at!: number;
  @IsString() message!: string;
  @IsOptional() @IsNumber() fraction?: number;
}

/** An attempt of an agent that could not go on. */
export class HandoverAttempt {
  @IsInt() number!: number;
  @IsString() agent!: string;
  /** Epoch milliseconds; null: it never began. */
  @IsOptional() @IsInt() startedAt!: number | null;
  @IsInt() endedAt!: number;
  @IsString() @MaxLength(64) code!: string;
  @IsString() detail!: string;
  /** The last ten, the oldest first. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => HandoverMessage) messages!: HandoverMessage[];
  /** The last partial result that was told, any JSON. */
  @IsOptional() @Opaque() @Allow() partial?: unknown;
}

/** What an agent that takes a task over from another gets beside its input: the last five attempts before. */
export class Handover {
  @IsArray() @ValidateNested({ each: true }) @Type(() => HandoverAttempt) attempts!: HandoverAttempt[];
}
