import { IsIn, IsInt, IsNumber, IsString, Matches, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { rolloutMoves, type RolloutMove } from './rollout.ts';
import { rolloutStatuses, type RolloutStatus } from './rollout-terms.ts';

export class RolloutChanged {
  @Matches(idPattern('rollout')) id!: string;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) agentVersion!: number;
  @IsInt() @Min(1) stable!: number;
  @IsIn(rolloutMoves) move!: RolloutMove;
  @IsIn(rolloutStatuses) status!: RolloutStatus;
  @IsInt() @Min(0) step!: number;
  @IsNumber() share!: number;
  @IsString() by!: string;
  @IsString() text!: string;
}

/** A rollout was started, went on, was held or has ended. Entity: the rollout. */
export const rolloutChanged = defineEvent({
  subject: 'sb.event.registry.rollout.changed',
  payload: RolloutChanged,
  listeners: ['execution'],
});
