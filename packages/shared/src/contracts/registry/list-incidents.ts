import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Incident, incidentStatuses, severities, type IncidentStatus, type Severity } from './incident.ts';
import { faultCauses, type FaultCause } from './isolation.ts';

export class ListIncidentsRequest extends PageRequest {
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @IsIn(incidentStatuses) status?: IncidentStatus;
  @IsOptional() @IsIn(severities) severity?: Severity;
  @IsOptional() @IsIn(faultCauses) cause?: FaultCause;
}

export class ListIncidentsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Incident) data!: Incident[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Incidents, the newest first; `q` looks into titles. */
export const listIncidents = defineContract({
  subject: 'sb.registry.incident.list',
  request: ListIncidentsRequest,
  reply: ListIncidentsReply,
  permission: 'incidents:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
