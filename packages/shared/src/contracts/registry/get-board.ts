import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsNumber, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Board } from './board.ts';

/** What if an agent takes longer than it is thought to? */
export class Slip {
  /** Its name on the board. */
  @Matches(namePattern) agent!: string;
  /** So many days more; less than nothing: it goes faster, at most until nothing is left of it. */
  @IsNumber() @Min(-3_650) @Max(3_650) days!: number;
}

export class GetBoardRequest {
  @Matches(namePattern) name!: string;
  /** The board as it would be then; of agents that are not done. */
  @IsOptional() @IsArray() @ArrayMaxSize(50) @ValidateNested({ each: true }) @Type(() => Slip) slips?: Slip[];
}

/** A deployment's board: which agents are up, which can start, which wait and for what, when it will be done, what to do next. */
export const getBoard = defineContract({
  subject: 'sb.registry.board.get',
  request: GetBoardRequest,
  reply: Board,
  permission: 'deployments:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 16_384,
  idempotent: true,
  errors: ['not_found', 'invalid'],
});
