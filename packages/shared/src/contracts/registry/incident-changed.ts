import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { incidentStatuses, recoveryStages, severities, type IncidentStatus, type RecoveryStage, type Severity } from './incident.ts';
import { instanceNamePattern } from './instance.ts';
import { faultCauses, type FaultCause } from './isolation.ts';

export class IncidentChanged {
  @Matches(idPattern('incident')) id!: string;
  @IsIn(faultCauses) cause!: FaultCause;
  @IsString() title!: string;
  @IsIn(severities) severity!: Severity;
  @IsIn(incidentStatuses) status!: IncidentStatus;
  /** What has just happened, of which agent and instance. */
  @IsIn(recoveryStages) stage!: RecoveryStage;
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
  @IsString() by!: string;
  @IsString() text!: string;
  @IsOptional() @IsString() owner?: string;
  @IsOptional() @IsString() onCall?: string;
  @IsOptional() @IsString() runbook?: string;
}

/** One stage of a recovery, or what a person did about it: each entry of an incident's timeline. Entity: the incident. */
export const incidentChanged = defineEvent({
  subject: 'sb.event.registry.incident.changed',
  payload: IncidentChanged,
  listeners: ['execution', 'registry'],
});
