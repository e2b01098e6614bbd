import { IsIn, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';
import { shardOfRun } from './task-id.ts';

/** What follows for a run that was set aside: it goes on, or it has failed, and neither undoes nor finishes anything. */
export const releaseActions = ['go-on', 'fail'] as const;
export type ReleaseAction = (typeof releaseActions)[number];

export class ReleaseRunRequest {
  @Matches(idPattern('run')) run!: string;
  @IsIn(releaseActions) action!: ReleaseAction;
}

export class ReleaseRunReply extends RunView {}

/**
 * Says what follows for a run that is set aside (`waiting`, for the reason `quarantined`) since its owners died of it, or could not handle it. Answers once it
 * is recorded. `conflict` when the run is not set aside.
 */
export const releaseRun = defineContract({
  subject: 'sb.execution.run.release',
  request: ReleaseRunRequest,
  reply: ReleaseRunReply,
  permission: 'runs:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
  shardOf: ({ run }) => shardOfRun(run),
});
