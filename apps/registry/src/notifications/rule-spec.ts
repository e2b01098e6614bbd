import type { Severity } from '@signalbox/shared/contracts/registry/incident.js';
import type { QuietHours } from './quiet-hours.ts';

export const digestSections = ['deployed', 'blocked', 'failed', 'decisions'] as const;
export type DigestSection = (typeof digestSections)[number];

export const groupKeys = ['subject', 'agent', 'event', 'rule'] as const;
/** What events of one message have in common: the incident, deployment or approval that they are about, the agent, the event, or the rule alone. */
export type GroupKey = (typeof groupKeys)[number];

interface Times {
  cron?: string;
  timeZone?: string;
  evenIfEmpty?: boolean;
}

/** `spec` of a manifest of kind NotificationRule: one of `events`, `digest` and `review`. */
export interface NotificationRuleSpec {
  channels: string[];
  events?: string[];
  digest?: Times & { sections?: DigestSection[] };
  review?: Times;
  minSeverity?: Severity;
  agents?: string[];
  /** Of incidents that one of these looks after alone. */
  people?: string[];
  labels?: Record<string, string>;
  group?: { by?: GroupKey; windowMs?: number };
  rate?: { max: number; perMs: number };
  quietHours?: QuietHours[];
}
