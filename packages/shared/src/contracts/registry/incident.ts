import { ArrayMaxSize, IsArray, IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { instanceNamePattern } from './instance.ts';
import { faultCauses, type FaultCause } from './isolation.ts';

export const incidentStatuses = ['open', 'acknowledged', 'resolved'] as const;
export type IncidentStatus = (typeof incidentStatuses)[number];

export const severities = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof severities)[number];

export const recoveryStages = [
  'detected',
  'isolated',
  'redistributed',
  'recovering',
  'trial',
  'recovered',
  'given-up',
  'released',
  'escalated',
  'acknowledged',
  'reminded',
  'noted',
  'resolved',
] as const;
/** What one entry of a timeline tells. */
export type RecoveryStage = (typeof recoveryStages)[number];

/** Agents that one incident names; more are only counted. */
export const incidentAgentsMax = 100;

/** Faults of one cause that somebody should know of: grouped, so that a hundred lost instances are one. */
export class Incident {
  @Matches(idPattern('incident')) id!: string;
  @IsIn(faultCauses) cause!: FaultCause;
  @IsString() title!: string;
  @IsIn(severities) severity!: Severity;
  @IsIn(incidentStatuses) status!: IncidentStatus;
  /** Whom it concerns, at most 100. */
  @IsArray() @ArrayMaxSize(incidentAgentsMax) @Matches(namePattern, { each: true }) agents!: string[];
  /** Faults that were noticed. */
  @IsInt() @Min(1) faults!: number;
  /** Of `spec.recovery` of the first agent: whose it is, who was on call when it was opened, and what to do. */
  @IsOptional() @IsString() owner!: string | null;
  @IsOptional() @IsString() onCall!: string | null;
  @IsOptional() @IsString() runbook!: string | null;
  @IsISO8601() openedAt!: string;
  @IsISO8601() updatedAt!: string;
  @IsOptional() @IsString() acknowledgedBy!: string | null;
  @IsOptional() @IsISO8601() acknowledgedAt!: string | null;
  /** A principal, or `registry` where it has ended by itself. */
  @IsOptional() @IsString() resolvedBy!: string | null;
  @IsOptional() @IsISO8601() resolvedAt!: string | null;
  /** When it is told again, unless somebody acknowledges it; null: it is not. */
  @IsOptional() @IsISO8601() remindAt!: string | null;
}

/** One thing that happened in an incident. */
export class IncidentEntry {
  @IsISO8601() at!: string;
  @IsIn(recoveryStages) stage!: RecoveryStage;
  @IsOptional() @Matches(namePattern) agent!: string | null;
  @IsOptional() @Matches(instanceNamePattern) instance!: string | null;
  /** A principal, or `registry`. */
  @IsString() by!: string;
  @IsString() text!: string;
}
