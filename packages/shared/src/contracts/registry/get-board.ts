import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Board } from './board.ts';

export class GetBoardRequest {
  @Matches(namePattern) name!: string;
}

/** A deployment's board: which agents are up, which can start, which wait and for what, when it will be done, what to do next. */
export const getBoard = defineContract({
  subject: 'sb.registry.board.get',
  request: GetBoardRequest,
  reply: Board,
  permission: 'deployments:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
