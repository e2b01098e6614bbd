import { IsInt, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

export class DeleteRunRequest {
  @Matches(idPattern('run')) run!: string;
}

export class DeleteRunReply {
  /** How many runs went: this one, and those that its steps had started. */
  @IsInt() runs!: number;
}

/** Deletes all that is recorded of an ended run, and of the runs that its steps started. `conflict` while it, or the run that started it, lives. */
export const deleteRun = defineContract({
  subject: 'sb.execution.run.delete',
  request: DeleteRunRequest,
  reply: DeleteRunReply,
  permission: 'runs:delete',
  callers: ['api-gateway', 'execution'],
  timeoutMs: 30_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found', 'conflict', 'limited'],
});
