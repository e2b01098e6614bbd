import type { NotificationKind, NotificationRule } from '@signalbox/shared/contracts/registry/notification-rule.js';
import { severities, type Severity } from '@signalbox/shared/contracts/registry/incident.js';
import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { NotificationRuleManifest } from '../manifests/manifest.ts';
import { invalidManifest, parseManifest } from '../manifests/parse-manifest.ts';
import { noticeEvents, type Notice } from './notice.ts';
import { cronOf, quietUntil } from './quiet-hours.ts';
import type { NotificationRuleSpec } from './rule-spec.ts';

export interface AppliedRule {
  manifest: NotificationRuleManifest;
  version: number;
  hash: string;
  appliedBy: string;
  nextAt: Date | null;
  updatedAt: Date;
}

export const groupWindowMs = 10_000;
export const rateDefault = { max: 60, perMs: 3_600_000 };
const crons = { digest: '0 9 * * *', review: '0 9 * * mon' };
const cronPattern = /^[^\s@]+(?:\s+[^\s@]+){4}$/;

export function kindOf({ digest, review }: NotificationRuleSpec): NotificationKind {
  if (digest !== undefined) return 'digest';
  return review === undefined ? 'events' : 'review';
}

/** A rule's manifest that can be used, or `invalid` with every fault that was found. */
export function parseRuleManifest(name: string, value: unknown): NotificationRuleManifest {
  const manifest = parseManifest('NotificationRule', name, value);
  const { events, digest, review, minSeverity, labels, agents, people, group, quietHours = [] } = manifest.spec;
  const faults: FaultDetail[] = [];
  const wrong = (pointer: string, detail: string): void => void faults.push({ pointer: `/spec/${pointer}`, detail });
  if ([events, digest, review].filter((one) => one !== undefined).length !== 1) {
    wrong('events', 'must be given, or digest, or review: one of the three');
  }
  for (const [index, event] of (events ?? []).entries()) {
    if (!noticeEvents.some((known) => isEvent(event, known))) wrong(`events/${index}`, `is no event: ${event}; ${knownEvents(event)}`);
  }
  if (events === undefined) {
    for (const [field, given] of Object.entries({ minSeverity, labels, agents, people, group })) {
      if (given !== undefined) wrong(field, 'is for rules with events');
    }
  }
  for (const [index, { timeZone = 'UTC' }] of quietHours.entries()) {
    if (!isZone(timeZone)) wrong(`quietHours/${index}/timeZone`, zoneDetail(timeZone));
  }
  for (const field of ['digest', 'review'] as const) {
    const times = manifest.spec[field];
    if (times?.timeZone !== undefined && !isZone(times.timeZone)) wrong(`${field}/timeZone`, zoneDetail(times.timeZone));
    const fault = times?.cron === undefined ? null : cronFault(times.cron);
    if (fault !== null) wrong(`${field}/cron`, fault);
  }
  if (faults.length === 0 && quietHours.length > 0 && quietUntil(quietHours, 0) > 13 * 86_400_000)
    wrong('quietHours', 'must leave some time');
  if (faults.length > 0) throw invalidManifest('NotificationRule', faults);
  return manifest;
}

function knownEvents(given: string): string {
  const prefix = given.split('.')[0]!;
  const alike = noticeEvents.filter((event) => event.startsWith(`${prefix}.`));
  return `known are ${(alike.length > 0 ? alike : [...new Set(noticeEvents.map((event) => `${event.split('.')[0]!}.*`))]).join(', ')}`;
}

function zoneDetail(timeZone: string): string {
  return `there is no time zone ${timeZone.slice(0, 64)}: say it as Europe/Berlin or UTC`;
}

function isZone(timeZone: string): boolean {
  try {
    // An offset is a zone to Intl, but none that people mean: it has no summer.
    return /^[A-Za-z][A-Za-z0-9_+/-]*$/.test(timeZone) && Boolean(new Intl.DateTimeFormat('en', { timeZone }));
  } catch {
    return false;
  }
}

function cronFault(cron: string): string | null {
  if (!cronPattern.test(cron.trim())) return 'must have five fields: minute hour day month weekday';
  try {
    return cronOf(cron, 'UTC').nextRun(new Date(0)) === null ? 'never comes' : null;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '');
  }
}

/** When the digest or review after a moment is due, in epoch milliseconds; null: it waits for events. */
export function nextOf(spec: NotificationRuleSpec, after: number): number | null {
  const kind = kindOf(spec);
  if (kind === 'events') return null;
  const { cron = crons[kind], timeZone = 'UTC' } = spec[kind]!;
  return cronOf(cron, timeZone).nextRun(new Date(after))?.getTime() ?? null;
}

/** Whether the rule wants to hear of it. `labels` are those of the notice's agents, by name. */
export function wants(spec: NotificationRuleSpec, notice: Notice, labels: ReadonlyMap<string, Record<string, string>>): boolean {
  const { events = [], minSeverity = 'low', agents, people, labels: wanted } = spec;
  if (!events.some((event) => isEvent(event, notice.event))) return false;
  if (severities.indexOf(notice.severity) > severities.indexOf(minSeverity)) return false;
  if (agents !== undefined && !notice.agents.some((agent) => agents.includes(agent))) return false;
  if (people !== undefined && (notice.person === undefined || !people.includes(notice.person))) return false;
  if (wanted === undefined) return true;
  return notice.agents.some((agent) => Object.entries(wanted).every(([name, value]) => labels.get(agent)?.[name] === value));
}

function isEvent(pattern: string, event: string): boolean {
  return pattern === event || (pattern.endsWith('.*') && event.startsWith(pattern.slice(0, -1)));
}

/** What the notice is gathered and kept in order by. */
export function groupOf({ group }: NotificationRuleSpec, notice: Notice): string {
  switch (group?.by ?? 'subject') {
    case 'subject':
      return notice.subject;
    case 'agent':
      return `agent ${notice.agents[0] ?? ''}`;
    case 'event':
      return notice.event;
    case 'rule':
      return '';
  }
}

/** When a message that is begun now is sent: after its window, and outside quiet hours unless it is critical and may. */
export function dueAt({ group, quietHours = [] }: NotificationRuleSpec, severity: Severity, now: number): number {
  const gathered = now + (group?.windowMs ?? groupWindowMs);
  const heard = severity === 'critical' ? quietHours.filter(({ critical }) => critical === 'wait') : quietHours;
  return quietUntil(heard, gathered);
}

export function unknownRule(name: string): Fault {
  return new Fault('not_found', `there is no notification rule ${name}`, 'List them: signalbox notification-rules.');
}

export function ruleView({ manifest, version, appliedBy, nextAt, updatedAt }: AppliedRule): NotificationRule {
  const { metadata, spec } = manifest;
  return {
    name: metadata.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    kind: kindOf(spec),
    channels: [...spec.channels],
    events: [...(spec.events ?? [])],
    nextAt: nextAt?.toISOString() ?? null,
    appliedBy,
    version,
    updatedAt: updatedAt.toISOString(),
  };
}
