import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Incident } from './incident.ts';

export class ResolveIncidentRequest {
  @Matches(idPattern('incident')) id!: string;
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}

export class ResolveIncidentReply extends Incident {}

/** Ends an incident; the next fault of its cause opens another. What is isolated stays so. `conflict`: it is resolved already. */
export const resolveIncident = defineContract({
  subject: 'sb.registry.incident.resolve',
  request: ResolveIncidentRequest,
  reply: ResolveIncidentReply,
  permission: 'incidents:write',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
