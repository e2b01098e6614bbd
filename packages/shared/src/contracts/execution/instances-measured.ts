import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsNumber, IsString, Matches, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';

/** Entries of one message; what is more comes in the next. */
export const measuresMax = 500;

/** How the attempts of one instance went that ended since the message before. */
export class InstanceMeasure {
  @Matches(namePattern) agent!: string;
  @IsString() @MaxLength(128) instance!: string;
  @IsInt() @Min(0) succeeded!: number;
  @IsInt() @Min(0) failed!: number;
  /** Of all that ended, together, in milliseconds. */
  @IsNumber() @Min(0) totalMs!: number;
}

/** A task that something is the matter with. */
export class TaskFault {
  @Matches(idPattern('run')) run!: string;
  @IsString() @MaxLength(128) step!: string;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) attempt!: number;
  @IsString() @MaxLength(1_000) detail!: string;
}

export class InstancesMeasured {
  @IsArray() @ArrayMaxSize(measuresMax) @ValidateNested({ each: true }) @Type(() => InstanceMeasure) instances!: InstanceMeasure[];
  /** Tasks whose executors were lost one after the other. */
  @IsArray() @ArrayMaxSize(measuresMax) @ValidateNested({ each: true }) @Type(() => TaskFault) poison!: TaskFault[];
  /** Attempts that did not begin, since they would have gone beyond a budget. */
  @IsArray() @ArrayMaxSize(measuresMax) @ValidateNested({ each: true }) @Type(() => TaskFault) overBudget!: TaskFault[];
}

/** How workers do, from one owner of runs: several times a second while they do something. */
export const instancesMeasured = defineEvent({
  subject: 'sb.live.execution.instance.measured',
  payload: InstancesMeasured,
  listeners: ['registry'],
});
