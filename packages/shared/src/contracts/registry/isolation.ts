import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { instanceNamePattern } from './instance.ts';

export const faultCauses = [
  'lost',
  'errors',
  'slow',
  'crash-loop',
  'probe',
  'poison-task',
  'budget',
  'rollout',
  'dependency',
  'capacity',
  'by-hand',
] as const;
/**
 * What was noticed. `lost`: it missed its beats, or its process or connection ended; `errors`, `slow`: far worse than the agent's other instances; `probe`: its server, its breaker or its probe fails; `poison-task`: a task whose
 * executors are lost one after the other; `budget`: calls that would go beyond a budget; `rollout`: a version was rolled back; `dependency`: what it needs is not there, and its deployment declares that it stops then; `capacity`: a workflow was scaled back for want of it; `by-hand`: a person isolated it.
 */
export type FaultCause = (typeof faultCauses)[number];

export const isolationStates = ['isolated', 'trial', 'given-up'] as const;
/** `isolated`: gets no work; `trial`: gets one task at a time, and is let back in or isolated again by how these go; `given-up`: only a person goes on. */
export type IsolationState = (typeof isolationStates)[number];

/** An agent or one of its instances that is kept out of routing. */
export class Isolation {
  @Matches(namePattern) agent!: string;
  /** Null: the agent with all of its instances. */
  @IsOptional() @Matches(instanceNamePattern) instance!: string | null;
  @IsIn(faultCauses) cause!: FaultCause;
  @IsString() because!: string;
  @IsIn(isolationStates) state!: IsolationState;
  /** How often it was tried to recover it. */
  @IsInt() @Min(0) attempt!: number;
  @IsISO8601() since!: string;
  /** When the next attempt follows by itself; null: a person goes on. */
  @IsOptional() @IsISO8601() nextAt!: string | null;
  /** The incident whose timeline has it. */
  @Matches(idPattern('incident')) incident!: string;
  /** Who isolated it: a principal, or `registry`. */
  @IsString() by!: string;
}
