import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { assert, double, integer, property } from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { parseChannelManifest } from '../channels/channel.ts';
import type { ChannelManifest, NotificationRuleManifest } from '../manifests/manifest.ts';
import { digestMessage } from './digest.ts';
import { messageOf } from './message.ts';
import { noticeOfApproval, noticeOfDeployment, noticeOfKpi, type Notice } from './notice.ts';
import { pauseAfter } from './pause.ts';
import { dueAt, groupOf, nextOf, parseRuleManifest, wants } from './rule.ts';

function rule(spec: Record<string, unknown>): Record<string, unknown> {
  return { apiVersion: 'signalbox.dev/v1', kind: 'NotificationRule', metadata: { name: 'on-call' }, spec: { channels: ['ops'], ...spec } };
}

function faultsOf(spec: Record<string, unknown>): string[] {
  try {
    parseRuleManifest('on-call', rule(spec));
    return [];
  } catch (thrown) {
    return (Fault.from(thrown).errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
}

const notice: Notice = {
  ...{ event: 'incident.escalated', severity: 'high', title: 'analyst: lost', text: '', subject: 'incident 1', agents: ['analyst'] },
  ...{ facts: [], path: '/incidents/1', at: 0 },
};

describe('a rule', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ['that says nothing of when', {}, ['/spec/events must be given, or digest, or review: one of the three']],
    [
      'that says two things',
      { events: ['incident.*'], digest: {} },
      ['/spec/events must be given, or digest, or review: one of the three'],
    ],
    [
      'with an event that there is not',
      { events: ['stage.moved'] },
      ['/spec/events/0 is no event: stage.moved; known are stage.promoted, stage.demoted, stage.approved'],
    ],
    [
      'with a zone and a time that there are not',
      { digest: { cron: '0 9 31 2 *', timeZone: 'Mars/North' } },
      ['/spec/digest/timeZone there is no time zone Mars/North: say it as Europe/Berlin or UTC', '/spec/digest/cron never comes'],
    ],
    ['with a filter of events for a digest', { digest: {}, minSeverity: 'high' }, ['/spec/minSeverity is for rules with events']],
    [
      'that is always quiet',
      { events: ['agent.*'], quietHours: [{ from: '00:00', to: '00:00' }] },
      ['/spec/quietHours must leave some time'],
    ],
  ])('%s is refused in words', (_, spec, faults) => {
    expect(faultsOf(spec)).toEqual(faults);
  });

  test('wants what its events, severity, agents and labels say', () => {
    const labels = new Map([['analyst', { team: 'payments' }]]);
    const wanted = (spec: object): boolean => wants({ channels: ['ops'], events: ['incident.*'], ...spec }, notice, labels);
    expect(wanted({})).toBe(true);
    expect(wanted({ events: ['incident.resolved'] })).toBe(false);
    expect(wanted({ minSeverity: 'high' })).toBe(true);
    expect(wanted({ minSeverity: 'critical' })).toBe(false);
    expect(wanted({ agents: ['planner'] })).toBe(false);
    expect(wanted({ people: ['ann'] })).toBe(false);
    expect(wants({ channels: ['ops'], events: ['incident.*'], people: ['ann'] }, { ...notice, person: 'ann' }, labels)).toBe(true);
    expect(wanted({ labels: { team: 'payments' } })).toBe(true);
    expect(wanted({ labels: { team: 'search' } })).toBe(false);
  });

  test('gathers by what it says, and is quiet but for what is critical, unless that waits too', () => {
    const spec = { channels: ['ops'], group: { windowMs: 0 } };
    expect(['subject', 'agent', 'event', 'rule'].map((by) => groupOf({ ...spec, group: { by: by as 'rule' } }, notice))).toEqual([
      'incident 1',
      'agent analyst',
      'incident.escalated',
      '',
    ]);
    const night = Date.parse('2026-11-26T23:00:00Z');
    const morning = Date.parse('2026-11-27T07:00:00Z');
    const hours = { from: '22:00', to: '07:00' };
    expect(dueAt({ ...spec, quietHours: [hours] }, 'high', night)).toBe(morning);
    expect(dueAt({ ...spec, quietHours: [hours] }, 'critical', night)).toBe(night);
    expect(dueAt({ ...spec, quietHours: [{ ...hours, critical: 'wait' }] }, 'critical', night)).toBe(morning);
  });

  test('sends a digest at 09:00 UTC and a review on Mondays, unless it says another time', () => {
    const next = (spec: object): string =>
      new Date(nextOf({ channels: ['ops'], ...spec }, Date.parse('2026-11-27T09:00:00Z'))!).toISOString();
    expect(next({ digest: {} })).toBe('2026-11-28T09:00:00.000Z');
    expect(next({ digest: { cron: '30 7 * * *', timeZone: 'Europe/Berlin' } })).toBe('2026-11-28T06:30:00.000Z');
    expect(next({ review: {} })).toBe('2026-11-30T09:00:00.000Z');
    expect(nextOf({ channels: ['ops'], events: ['agent.*'] }, 0)).toBeNull();
  });
});

test('an approval that is asked for, called to mind and answered is told as each; a step that only begins is not', () => {
  const approval = { id: 'approval_1', run: 'run_1', workflow: 'release', step: 'ask', at: 5 };
  const events = [
    noticeOfApproval({ ...approval, status: 'open' }, 1),
    noticeOfApproval({ ...approval, status: 'open', reminders: 1 }, 2),
    noticeOfApproval({ ...approval, status: 'expired' }, 3),
  ];
  expect(events.map(({ event, severity }) => `${event} ${severity}`)).toEqual([
    'approval.asked medium',
    'approval.reminded high',
    'approval.expired high',
  ]);
  const step = {
    id: 'deployment_1',
    name: 'board',
    change: 'step' as const,
    status: 'active' as const,
    progress: 0.5,
    agent: 'security',
    step: 'scan',
  };
  expect(noticeOfDeployment({ ...step, state: 'begun' }, 0)).toBeNull();
  expect(noticeOfDeployment({ ...step, state: 'failed', reason: 'no scanner' }, 0)).toMatchObject({
    ...{ event: 'deployment.step-failed', severity: 'high', title: 'Deployment board: security: step scan failed', text: 'no scanner' },
  });
});

test('several events are one message of the worst severity, and what is not kept is counted', () => {
  const many = [notice, { ...notice, event: 'incident.given-up', severity: 'critical' as const, title: 'analyst: given up', at: 1_000 }];
  expect(messageOf(many, 30)).toMatchObject({
    title: 'analyst: given up (30 events)',
    severity: 'critical',
    path: '/incidents/1',
    sections: [{ lines: [{ text: '00:00:00 analyst: lost' }, { text: '00:00:01 analyst: given up' }], more: 28 }],
  });
});

test('a digest has what was asked for, counts what it does not show, and is not sent when there is nothing, unless asked', () => {
  const facts = {
    deployed: Array.from({ length: 20 }, (_, index) => ({ text: `v${index}` })),
    blocked: [],
    failed: [{ text: 'x' }],
    decisions: [],
  };
  const period = { from: 0, to: 86_400_000 };
  expect(digestMessage(facts, {}, period)).toMatchObject({
    title: 'Digest: 20 deployed, 1 failed',
    sections: [
      { title: 'Deployed', more: 5 },
      { title: 'Failed', lines: [{ text: 'x' }] },
    ],
  });
  expect(digestMessage(facts, { sections: ['blocked'] }, period)).toBeNull();
  expect(digestMessage(facts, { sections: ['blocked'], evenIfEmpty: true }, period)).toMatchObject({ title: 'Digest: nothing happened' });
});

test('pauses grow to an hour, and are never the same for all', () => {
  assert(
    property(integer({ min: 1, max: 40 }), double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (attempt, random) => {
      const pause = pauseAfter(attempt, 5_000, random);
      const whole = Math.min(5_000 * 2 ** (attempt - 1), 3_600_000);
      expect(pause).toBeGreaterThanOrEqual(whole / 2);
      expect(pause).toBeLessThanOrEqual(whole);
    }),
  );
});

test('the example can be applied: its rules name its channels', async () => {
  const folder = new URL('../../../../examples/notifications/', import.meta.url);
  const read = async (file: string): Promise<unknown[]> =>
    parseAllDocuments(await readFile(new URL(file, folder), 'utf8')).map((document): unknown => document.toJS());
  const channels = ((await read('1-channels.yaml')) as ChannelManifest[]).map((one) => parseChannelManifest(one.metadata.name, one));
  const rules = ((await read('2-rules.yaml')) as NotificationRuleManifest[]).map((one) => parseRuleManifest(one.metadata.name, one));
  expect(channels.map(({ spec }) => spec.type)).toEqual(['slack', 'webhook', 'email']);
  const names = channels.map(({ metadata }) => metadata.name);
  expect(rules.flatMap(({ spec }) => spec.channels).filter((name) => !names.includes(name))).toEqual([]);
});

test('a budget that burns is told by its urgency, and leads to where it is seen', () => {
  const told = { kpi: 'latency' as const, change: 'burning' as const, urgency: 'page' as const, rate: 15.04, says: 'it burns' };
  expect(noticeOfKpi(told, 0)).toMatchObject({ event: 'kpi.burning', severity: 'high', path: '/kpis?kpi=latency', agents: [] });
  expect(noticeOfKpi({ ...told, urgency: 'ticket', agent: 'analyst' }, 0)).toMatchObject({
    ...{ severity: 'medium', subject: 'kpi latency/analyst', agents: ['analyst'], path: '/agents/analyst?view=kpis&kpi=latency' },
    title: 'latency that we add, agent analyst: its error budget burns too fast',
  });
  expect(noticeOfKpi({ ...told, change: 'settled' }, 0)).toMatchObject({ event: 'kpi.settled', severity: 'low' });
  expect(faultsOf({ events: ['kpi.*', 'kpi.burning'] })).toEqual([]);
});
