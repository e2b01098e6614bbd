import { IsArray, IsBoolean, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { hashPattern } from './agent.ts';

/** Cases and graders: what an agent is to be good at, and how that is told. */
export class EvalSuite {
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  /** The skill that is called; absent: the agent's only one. */
  @IsOptional() @IsString() skill?: string;
  /** How many. */
  @IsInt() @Min(1) cases!: number;
  /** They are calls that runs made, or runs: at most so many. */
  @IsOptional() @IsBoolean() isRecorded?: boolean;
  /** Names of the graders. */
  @IsArray() @IsString({ each: true }) graders!: string[];
  /** How often each case is put. */
  @IsInt() @Min(1) repeats!: number;
  @IsInt() @Min(1) version!: number;
  @Matches(hashPattern) hash!: string;
  @IsISO8601() updatedAt!: string;
}
