import type { Channel } from '@signalbox/sdk/client/channels.js';
import { expect, test } from '@jest/globals';
import { channelLampOf, channelsSentence, messageLampOf, tellsOf } from './notifications.ts';

const channel: Channel = {
  ...{ name: 'ops', description: '', labels: {}, type: 'slack', secrets: [], state: 'active', stateReason: null, appliedBy: 'ann' },
  ...{ lastSentAt: null, lastFailure: null, version: 1, updatedAt: '' },
};
const failing: Channel = { ...channel, lastFailure: 'the receiver answered 500' };

test('a channel that fails stands out, in its lamp and in the sentence', () => {
  const paused: Channel = { ...failing, state: 'paused' };
  const well: Channel = { ...channel, lastSentAt: '2026-11-24T08:00:00Z' };
  expect([channel, well, failing, paused].map((one) => channelLampOf(one).word)).toEqual(['Not used yet', 'Well', 'Failing', 'Paused']);
  expect(channelsSentence([])).toBe('Nobody is told of anything yet.');
  expect(channelsSentence([channel, well])).toBe('2 channels, none of them failing.');
  expect(channelsSentence([well, failing, paused])).toBe('3 channels, 2 of them failing.');
});

test('messages and rules are said in words', () => {
  const lamps = (['waiting', 'sent', 'dead'] as const).map(messageLampOf);
  expect(lamps.map(({ word }) => word)).toEqual(['Waiting', 'Sent', 'Given up']);
  expect(new Set(lamps.map(({ shape }) => shape)).size).toBe(3);
  expect(tellsOf({ kind: 'events', events: ['incident.*', 'agent.failed'] })).toBe('incident.*, agent.failed');
  expect(tellsOf({ kind: 'digest', events: [] })).toBe('A digest');
});
