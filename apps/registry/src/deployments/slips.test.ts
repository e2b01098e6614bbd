import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Fault } from '@signalbox/shared/errors/fault.js';
import { boardOf } from './board.ts';
import { parseDeploymentManifest } from './deployment-manifest.ts';
import type { Facts } from './facts.ts';
import { slipsOf } from './slips.ts';

const agents = [
  { name: 'base', estimateDays: [2, 2], steps: [{ name: 's' }] },
  { name: 'long', dependsOn: ['base'], estimateDays: [3, 5], steps: [{ name: 's' }] },
  { name: 'short', dependsOn: ['base'], estimateDays: [1, 1], steps: [{ name: 's' }] },
  { name: 'ready', estimateDays: [1, 1], steps: [{ name: 's' }] },
];
const { plan } = parseDeploymentManifest('d', {
  apiVersion: 'signalbox.dev/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { agents },
});
const facts: Facts = {
  steps: new Map([['ready/s', { state: 'done', fraction: 1 }]]),
  agents: new Map(),
  members: new Map(),
  infrastructure: new Map(),
  history: new Map(),
  now: new Date('2026-11-24T12:00:00Z'),
};
const now = boardOf('d', plan, facts);
const ifSlips = (slips: Record<string, number>) => boardOf('d', plan, facts, new Map(Object.entries(slips)));
const agentOf = (board: typeof now, name: string) => board.agents.find((agent) => agent.name === name)!;

describe('if an agent slips', () => {
  test('on the critical path, the end moves as far', () => {
    const then = ifSlips({ long: 1 });
    expect(now.remainingDays).toBe(6);
    expect(then.remainingDays).toBe(7);
    expect(then.eta?.at).toBe('2026-12-01T12:00:00.000Z');
    expect(agentOf(then, 'short').slackDays).toBe(4);
  });

  test('within its slack, the end stays; beyond it, the path is another', () => {
    expect(ifSlips({ short: 3 })).toMatchObject({ remainingDays: 6, criticalPath: ['base', 'long'] });
    expect(ifSlips({ short: 4.5 })).toMatchObject({ remainingDays: 7.5, criticalPath: ['base', 'short'] });
  });

  test('backwards, it ends sooner, and never before now', () => {
    expect(ifSlips({ long: -1 }).remainingDays).toBe(5);
    expect(ifSlips({ base: -100, long: -100, short: -100 }).remainingDays).toBe(0);
  });

  test('the end never moves further than all slips together, and not at all without any', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('base', 'long', 'short'), fc.double({ min: -10, max: 10, noNaN: true })), (slips) => {
        const moved = ifSlips(slips).remainingDays - now.remainingDays;
        const later = Object.values(slips).reduce((sum, days) => sum + Math.max(0, days), 0);
        expect(moved).toBeLessThanOrEqual(later + 1e-3);
        if (Object.keys(slips).length === 0) expect(moved).toBe(0);
      }),
    );
  });
});

test('what is not on the board, is done or is named twice is refused by its place', () => {
  const wrong = [
    { agent: 'nobody', days: 1 },
    { agent: 'ready', days: 1 },
    { agent: 'long', days: 1 },
    { agent: 'long', days: 2 },
  ];
  let refused: Fault | undefined;
  try {
    slipsOf(now, wrong);
  } catch (fault) {
    refused = fault as Fault;
  }
  expect(refused?.code).toBe('invalid');
  expect(refused?.errors).toEqual([
    { pointer: '/slips/0/agent', detail: 'there is no agent nobody on the board of d' },
    { pointer: '/slips/1/agent', detail: 'ready is there already: it cannot slip' },
    { pointer: '/slips/3/agent', detail: 'long is named twice' },
  ]);
});
