import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';

export class ImportRunRequest {
  /** The artifact that the file is. */
  @Matches(idPattern('artifact')) artifact!: string;
  /** The same key again within 24 h gives the same run; with another file, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class ImportRunReply extends RunView {}

/**
 * Makes an ended run of a file that `export` wrote, here or elsewhere; nothing of it is done again. It also needs `workflows:write`, since it brings a workflow
 * that a fork runs. `invalid` for a file that was cut or changed, or is of another version; `limited` while others are read.
 */
export const importRun = defineContract({
  subject: 'sb.execution.run.import',
  request: ImportRunRequest,
  reply: ImportRunReply,
  permission: 'runs:write',
  callers: ['api-gateway'],
  timeoutMs: 60_000,
  maxBytes: 2_048,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
});
