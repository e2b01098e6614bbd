import type { NotificationKind } from '@signalbox/shared/contracts/registry/notification-rule.js';
import { severities, type Severity } from '@signalbox/shared/contracts/registry/incident.js';
import type { Notice } from './notice.ts';

export interface MessageLine {
  text: string;
  path?: string;
}

export interface MessageSection {
  title: string;
  lines: MessageLine[];
  /** Lines that are not shown. */
  more: number;
}

/** What is told, before it takes the form of a channel. */
export interface Message {
  kind: NotificationKind | 'test';
  /** One line. */
  title: string;
  /** Null where severity means nothing. */
  severity: Severity | null;
  text: string;
  facts: { name: string; value: string }[];
  sections: MessageSection[];
  /** Where the dashboard shows it. */
  path: string;
}

/** Of the events of one message so many are kept and shown: what a person reads, and every receiver takes. */
export const noticesMax = 20;

/** The worst of them. */
export function worstOf(given: readonly Severity[]): Severity {
  return severities.find((severity) => given.includes(severity)) ?? 'low';
}

/** One event as itself, several as a list. `events` counts those that are not kept, too. */
export function messageOf(notices: readonly Notice[], events: number): Message {
  const [first] = notices;
  if (first !== undefined && events === 1) {
    const { title, severity, text, facts, path } = first;
    return { kind: 'events', title, severity, text, facts, sections: [], path };
  }
  const subjects = [...new Set(notices.map(({ subject }) => subject))];
  const lines = notices.map(({ title, text, path, at }) => ({
    text: `${new Date(at).toISOString().slice(11, 19)} ${title}${text === '' ? '' : `: ${text.slice(0, 200)}`}`,
    path,
  }));
  return {
    kind: 'events',
    title: titleOf(notices, events),
    severity: worstOf(notices.map(({ severity }) => severity)),
    text: '',
    facts: [],
    sections: [{ title: 'What happened (UTC)', lines, more: events - notices.length }],
    path: subjects.length === 1 ? (first?.path ?? '/') : '/',
  };
}

/** A title for several events: the newest of the same subject, else how many there are. */
export function titleOf(notices: readonly Notice[], events: number): string {
  const last = notices.at(-1);
  if (last === undefined) return `${events} events`;
  if (events === 1) return last.title;
  const isOne = notices.every(({ subject }) => subject === last.subject);
  return isOne ? `${last.title} (${events} events)` : `${events} events: ${last.title}, and more`;
}

/** That a channel works. */
export function testMessage(channel: string): Message {
  return {
    kind: 'test',
    title: `A test of the channel ${channel}`,
    severity: null,
    text: 'Notifications of Signalbox arrive here.',
    facts: [],
    sections: [],
    path: '/',
  };
}

/** The address of a page of the dashboard; null where nobody said where that is. */
export function urlOf(publicUrl: string, path: string): string | null {
  return publicUrl === '' ? null : `${publicUrl.replace(/\/+$/, '')}${path}`;
}

/** Text of at most so many characters. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
