import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Incident } from './incident.ts';

export class AcknowledgeIncidentRequest {
  @Matches(idPattern('incident')) id!: string;
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}

export class AcknowledgeIncidentReply extends Incident {}

/** Somebody looks after it: it is told no more. `conflict`: it is resolved. */
export const acknowledgeIncident = defineContract({
  subject: 'sb.registry.incident.acknowledge',
  request: AcknowledgeIncidentRequest,
  reply: AcknowledgeIncidentReply,
  permission: 'incidents:write',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
