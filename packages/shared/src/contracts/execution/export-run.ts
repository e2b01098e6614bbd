import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

export class ExportRunRequest {
  @Matches(idPattern('run')) run!: string;
  /** `nextCursor` of the part before. */
  @IsOptional() @IsString() @MaxLength(1_024) cursor?: string;
}

export class ExportRunReply {
  /** The next bytes of the file, in base64: at most 256 KiB. */
  @IsString() data!: string;
  /** Null: the file is whole. */
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** One part of an ended run as a file: the definitions that it went by, its input, all that happened, and its outputs. `conflict` while it lives. */
export const exportRun = defineContract({
  subject: 'sb.execution.run.export',
  request: ExportRunRequest,
  reply: ExportRunReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 2_048,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
