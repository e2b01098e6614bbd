import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsISO8601, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { runnerKinds, type RunnerKind } from './instance.ts';

/** One time that the pool became another. */
export class ScaleChange {
  /** The deployment whose processes they are. */
  @IsString() deployment!: string;
  @IsInt() @Min(0) from!: number;
  @IsInt() @Min(0) to!: number;
  /** In words. */
  @IsString() because!: string;
  @IsISO8601() at!: string;
}

/** How the pool of an agent with `worker.autoscale` stands: what waits, how many instances there are and how many there should be. */
export class AgentScale {
  @Matches(namePattern) agent!: string;
  /** `local`: Signalbox scales it; `external`: somebody else does, by `wanted`. */
  @IsIn(runnerKinds) runner!: RunnerKind;
  @IsInt() @Min(0) min!: number;
  @IsInt() @Min(1) max!: number;
  /** Tasks that wait for an instance. */
  @IsInt() @Min(0) waiting!: number;
  /** Tasks that instances have in hand. */
  @IsInt() @Min(0) running!: number;
  /** How long the first of those that wait has waited, in milliseconds; 0: none waits. */
  @IsInt() @Min(0) oldestMs!: number;
  /** Instances that beat. */
  @IsInt() @Min(0) live!: number;
  /** How many instances there should be now, within `min` and `max`. */
  @IsInt() @Min(0) wanted!: number;
  /** Why so many, in words. */
  @IsString() because!: string;
}

export class AgentScaleDetail extends AgentScale {
  /** The last ones, at most 20, the newest first; of the local runner alone. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => ScaleChange) changes!: ScaleChange[];
}
