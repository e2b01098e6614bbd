import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunEventView } from './run-event.ts';
import { Opaque } from '../../bus/opaque.ts';

export class ListRunEventsRequest {
  @Matches(idPattern('run')) run!: string;
  /** Events after this `seq`; -1 or absent: from the first. */
  @IsOptional() @IsInt() @Min(-1) after?: number;
  /** At most about this many, 200 if absent. */
  @IsOptional() @IsInt() @Min(1) @Max(1_000) limit?: number;
}

export class ListRunEventsReply {
  @Opaque() @IsArray() @Type(() => RunEventView) data!: RunEventView[];
  /** Whether there are more now. */
  @IsBoolean() hasMore!: boolean;
  /** All up to this `seq` is told by this page or was by those before it; more than its last event where what follows that is for the engine alone. */
  @IsOptional() @IsInt() @Min(-1) through?: number;
  /** Whether the run has ended: with `hasMore` false nothing will follow. */
  @IsBoolean() isEnded!: boolean;
}

/** What happened to a run, from its journal. */
export const listRunEvents = defineContract({
  subject: 'sb.execution.run.list-events',
  request: ListRunEventsRequest,
  reply: ListRunEventsReply,
  permission: 'runs:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
