import { expect, test } from '@jest/globals';
import { loadCatalogue } from './catalogue.ts';
import { defineContract, defineEvent, messageMaxBytes } from './contract.ts';

class Nothing {}
const base = {
  request: Nothing,
  reply: Nothing,
  permission: 'agents:read',
  callers: [],
  timeoutMs: 1,
  maxBytes: 1,
  idempotent: true,
} as const;

test('a contract knows its service', () => {
  expect(defineContract({ ...base, subject: 'sb.mcp-server.tool.call' })).toMatchObject({
    service: 'mcp-server',
    identity: 'caller',
    shard: false,
  });
});

test.each(['registry.agent.get', 'sb.nobody.agent.get', 'sb.registry.get', ''])('a subject of another form is refused: %j', (subject) => {
  expect(() => defineContract({ ...base, subject })).toThrow('subject');
});

test('a contract without a permission is refused', () => {
  expect(() => defineContract({ ...base, subject: 'sb.registry.agent.get', permission: '' })).toThrow('permission');
});

test('a contract larger than a message is refused', () => {
  expect(() => defineContract({ ...base, subject: 'sb.registry.agent.get', maxBytes: messageMaxBytes + 1 })).toThrow('more than a message');
});

test('an event is durable or live by its subject', () => {
  expect(defineEvent({ subject: 'sb.event.registry.agent.changed', payload: Nothing }).durable).toBe(true);
  expect(defineEvent({ subject: 'sb.live.execution.run.progressed', payload: Nothing }).durable).toBe(false);
  expect(() => defineEvent({ subject: 'sb.registry.agent.changed', payload: Nothing })).toThrow('subject');
});

test('every contract of the catalogue has a subject of its own, and message classes have names of their own', async () => {
  const { contracts, events } = await loadCatalogue();
  expect(contracts.length).toBeGreaterThan(5);
  const byName = new Map<string, unknown>();
  for (const type of [...contracts.flatMap(({ request, reply }) => [request, reply]), ...events.map(({ payload }) => payload)]) {
    const known = byName.get(type.name);
    if (known !== undefined && known !== type) throw new Error(`two message classes are named ${type.name}`);
    byName.set(type.name, type);
  }
});
