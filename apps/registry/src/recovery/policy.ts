import type { Severity } from '@signalbox/shared/contracts/registry/incident.js';
import type { FaultCause } from '@signalbox/shared/contracts/registry/isolation.js';

export const weekDays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type WeekDay = (typeof weekDays)[number];

/** Somebody's hours on call, in UTC. `to` before `from`: over midnight, counted with the day on which it begins. */
export interface OnCallShift {
  who: string;
  /** All days if absent. */
  days?: WeekDay[];
  /** `HH:MM`; the whole day if both are absent. */
  from?: string;
  to?: string;
}

/** `spec.recovery` of an agent's manifest. */
export interface RecoverySpec {
  /** `manual`: what is wrong is only told. */
  isolate?: 'auto' | 'manual';
  errorShare?: number;
  slowFactor?: number;
  calls?: number;
  isolatedShare?: number;
  trialAfterMs?: number;
  trialCalls?: number;
  attempts?: number;
  rollback?: boolean;
  owner?: string;
  severity?: Severity;
  runbook?: string;
  remindMs?: number;
  onCall?: OnCallShift[];
}

type Optional = 'owner' | 'severity' | 'runbook';
export type RecoveryPolicy = Required<Omit<RecoverySpec, Optional>> & Pick<RecoverySpec, Optional>;

/** How an agent is recovered where its manifest does not say. */
export const policyDefaults: RecoveryPolicy = {
  isolate: 'auto',
  errorShare: 0.5,
  slowFactor: 4,
  calls: 5,
  isolatedShare: 0.5,
  trialAfterMs: 15_000,
  trialCalls: 3,
  attempts: 3,
  rollback: true,
  remindMs: 900_000,
  onCall: [],
};

export function policyOf(spec: RecoverySpec | undefined): RecoveryPolicy {
  return { ...policyDefaults, ...spec };
}

/** Who is on call at a moment: the first shift that covers it, else nobody. */
export function onCallAt(shifts: readonly OnCallShift[], at: Date): string | null {
  return shifts.find((shift) => covers(shift, at))?.who ?? null;
}

function covers({ days, from = '00:00', to = '24:00' }: OnCallShift, at: Date): boolean {
  const minute = at.getUTCHours() * 60 + at.getUTCMinutes();
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  const isOn = (daysAgo: number): boolean => days === undefined || days.includes(weekDays[(at.getUTCDay() + 7 - daysAgo) % 7]!);
  if (begin < end) return isOn(0) && minute >= begin && minute < end;
  return (isOn(0) && minute >= begin) || (isOn(1) && minute < end);
}

function minuteOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

/** How bad a fault is where the manifest does not say. */
export function severityOf(cause: FaultCause, { severity }: RecoveryPolicy): Severity {
  if (severity !== undefined) return severity;
  if (cause === 'slow' || cause === 'dependency' || cause === 'capacity' || cause === 'by-hand') return 'medium';
  return 'high';
}

/** How long to wait before the next attempt: twice as long each time, an hour at most. */
export function pauseMs({ trialAfterMs }: RecoveryPolicy, attempt: number): number {
  return Math.min(3_600_000, trialAfterMs * 2 ** Math.min(attempt, 20));
}

/** How many of so many instances may be isolated by themselves, so that the rest can do the work. */
export function isolatedMax({ isolatedShare }: RecoveryPolicy, instances: number): number {
  return Math.floor(instances * isolatedShare);
}
