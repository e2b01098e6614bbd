import { Type } from 'class-transformer';
import { IsArray, IsInt, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Incident, IncidentEntry } from './incident.ts';

export class GetIncidentRequest {
  @Matches(idPattern('incident')) id!: string;
}

export class GetIncidentReply extends Incident {
  /** What happened, in order: the first 500 entries. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => IncidentEntry) timeline!: IncidentEntry[];
  /** Entries that were not kept, since it had 500. */
  @IsInt() @Min(0) dropped!: number;
}

/** One incident with its timeline. */
export const getIncident = defineContract({
  subject: 'sb.registry.incident.get',
  request: GetIncidentRequest,
  reply: GetIncidentReply,
  permission: 'incidents:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
