import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { createWorkspace } from '@signalbox/shared/contracts/security/create-workspace.js';
import { listAudit } from '@signalbox/shared/contracts/security/list-audit.js';
import { recordDenials } from '@signalbox/shared/contracts/security/record-denials.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { verifyAudit } from '@signalbox/shared/contracts/security/verify-audit.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { encodeCursor } from '@signalbox/shared/bus/page.js';
import { auditEvents, type AuditRecord } from '@signalbox/shared/outbox/audit.js';
import { eventually, SecurityUnderTest } from './security-under-test.ts';

let security: SecurityUnderTest;
let gateway: Bus;
let admin: Caller;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
  gateway = await security.as('api-gateway');
  admin = await security.caller();
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

function record(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: newUuid(),
    at: Date.now(),
    principal: 'user_1',
    name: 'ann',
    action: 'agent.apply',
    target: 'agent analyst',
    outcome: 'allowed',
    ...changes,
  };
}

function publish(payload: AuditRecord, workspace = admin.workspace, id: string = newUuid()): Promise<void> {
  return security.service.publish(auditEvents.registry, payload, { id, workspace, entity: payload.id });
}

describe('every change leaves an entry', () => {
  test('with who did it, and without a secret', async () => {
    const { id, key } = await security.key({ name: 'audited' });
    await gateway.request(revokeKey, { id }, admin);
    const [revoked, created] = await security.audit({ q: id }, 2);
    expect(created).toMatchObject({
      action: 'key.create',
      target: `key ${id}`,
      principal: admin.principal,
      name: 'admin',
      service: 'security',
      outcome: 'allowed',
    });
    expect(revoked).toMatchObject({ action: 'key.revoke', detail: { name: 'audited', sessions: 0 } });
    expect(JSON.stringify([revoked, created])).not.toContain(key.split('_')[2]);
  });

  test('at the cost of one statement in the transaction of the change', async () => {
    const { id } = await security.key({ name: 'counted' });
    const query = jest.spyOn(pg.Client.prototype, 'query');
    try {
      await gateway.request(revokeKey, { id }, admin);
      const said = query.mock.calls.map(([text, values], call) => ({
        client: query.mock.contexts[call],
        text: String(text),
        values: JSON.stringify(values ?? []),
      }));
      const isAudit = ({ text, values }: (typeof said)[number]): boolean => /audit/.test(text) || values.includes('.audit.recorded');
      const { client } = said.find(({ text }) => text.startsWith('UPDATE api_key'))!;
      const own = said.filter((statement) => statement.client === client);
      // The relay of events may have had this connection before.
      const change = own.findIndex(({ text }) => text.startsWith('UPDATE api_key'));
      const from = own.findLastIndex(({ text }, at) => at < change && text === 'START TRANSACTION');
      const transaction = own.slice(from, own.findIndex(({ text }, at) => at > change && text === 'COMMIT') + 1);
      expect(transaction.length).toBeGreaterThan(3);
      expect(transaction.filter(isAudit).map(({ text }) => text)).toEqual([expect.stringMatching(/^INSERT INTO outbox /)]);
    } finally {
      query.mockRestore();
    }
  });

  test('also the very first ones', async () => {
    const entries = await security.audit({ principal: 'service:security' }, 2);
    expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(['workspace.create', 'key.import']));
  });

  test('of another service, once, however often the event comes', async () => {
    const one = record({ target: 'agent once' });
    await publish(one);
    await publish(one);
    await publish(record({ target: 'agent twice' }));
    await security.audit({ q: 'agent twice' });
    expect(await security.audit({ q: 'agent once' })).toHaveLength(1);
    expect((await security.audit({ q: 'agent once' }))[0]).toMatchObject({ service: 'registry', id: one.id });
  });

  test('also where it holds what databases do not keep', async () => {
    await publish(record({ target: 'odd \0 \ud800 end', detail: { 'k\0': ['\udc00', 1e300, -0, { deep: null }] } }));
    const [entry] = await security.audit({ q: 'odd' });
    expect(entry!.target).toBe('odd \uFFFD \uFFFD end');
    await expect(gateway.request(verifyAudit, {}, admin)).resolves.toMatchObject({ intact: true });
  });

  test('in groups, side by side, in one chain', async () => {
    const before = await gateway.request(verifyAudit, {}, admin);
    await Promise.all(Array.from({ length: 300 }, (_, i) => publish(record({ action: 'bulk.write', target: `bulk ${i}` }))));
    await eventually(async () => {
      const after = await gateway.request(verifyAudit, {}, admin);
      expect(after).toMatchObject({ intact: true });
      expect(after.entries).toBeGreaterThanOrEqual(before.entries + 300);
    }, 20_000);
  }, 40_000);
});

describe('denied attempts (A03)', () => {
  test('are counted per principal and minute', async () => {
    const { caller, id } = await security.user('prober', ['viewer']);
    for (let i = 0; i < 40; i++) await expect(security.key({}, caller)).rejects.toMatchObject({ code: 'forbidden' });
    const entries = await security.audit({ principal: id, outcome: 'denied' });
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      action: 'access.denied',
      target: 'sb.security.key.create',
      detail: { count: 1 },
      outcome: 'denied',
    });
  });

  test('with a key that was revoked are known by its principal', async () => {
    const { id, key } = await security.user('former', ['viewer']);
    await gateway.request(revokeKey, { id: key.id }, admin);
    await expect(security.caller(key.key)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await security.audit({ principal: id, outcome: 'denied' })).toMatchObject([{ target: 'identity of a key that is revoked' }]);
  });

  test('told twice are written once', async () => {
    const denials = [
      { id: newUuid(), workspace: admin.workspace, principal: 'user_twice', name: 'x', at: Date.now(), count: 3, operations: [] },
    ];
    const registry = await security.as('registry');
    await registry.request(recordDenials, { denials }, 'service');
    await registry.request(recordDenials, { denials }, 'service');
    expect(await security.audit({ principal: 'user_twice' })).toMatchObject([
      { service: 'registry', target: 'registry', detail: { count: 3 } },
    ]);
  });
});

describe('the list', () => {
  test('filters and goes on where it stopped', async () => {
    const at = Date.now() - 86_400_000;
    for (let i = 0; i < 5; i++)
      await publish(
        record({ principal: 'user_list', action: i % 2 ? 'server.apply' : 'server.delete', target: `list ${i}`, at: at + i * 1_000 }),
      );
    await security.audit({ principal: 'user_list' }, 5);
    const targets = async (filter: object) =>
      (await gateway.request(listAudit, { principal: 'user_list', ...filter }, admin)).data.map(({ target }) => target).sort();
    expect(await targets({ action: 'server.apply' })).toEqual(['list 1', 'list 3']);
    expect(await targets({ action: 'server.*' })).toHaveLength(5);
    expect(await targets({ action: 'serve.*' })).toEqual([]);
    expect(await targets({ outcome: 'denied' })).toEqual([]);
    expect(await targets({ since: new Date(at + 1_000).toISOString(), until: new Date(at + 3_000).toISOString() })).toEqual([
      'list 1',
      'list 2',
      'list 3',
    ]);
    expect(await targets({ q: 'LIST 4' })).toEqual(['list 4']);
    const first = await gateway.request(listAudit, { principal: 'user_list', limit: 3 }, admin);
    const rest = await gateway.request(listAudit, { principal: 'user_list', limit: 3, cursor: first.nextCursor! }, admin);
    expect([...first.data, ...rest.data].map(({ seq }) => seq)).toEqual(
      [...first.data, ...rest.data].map(({ seq }) => seq).sort((a, b) => b - a),
    );
    expect([first.data.length, rest.data.length, rest.nextCursor]).toEqual([3, 2, null]);
    for (const cursor of ['x', encodeCursor(['x']), encodeCursor(['1; --'])])
      await expect(gateway.request(listAudit, { cursor }, admin)).rejects.toMatchObject({ code: 'invalid' });
    for (const wrong of [{ since: 'yesterday' }, { action: '%' }])
      await expect(gateway.request(listAudit, wrong, admin)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('is read by administrators alone, each of its own workspace', async () => {
    const { caller } = await security.user('curious', ['operator']);
    await expect(gateway.request(listAudit, {}, caller)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(gateway.request(verifyAudit, {}, caller)).rejects.toMatchObject({ code: 'forbidden' });
    const { key } = await gateway.request(createWorkspace, { name: 'beside' }, admin);
    const theirs = await security.caller(key.key);
    await eventually(async () => {
      const { data } = await gateway.request(listAudit, {}, theirs);
      expect(data.map(({ action }) => action)).toEqual(['workspace.create']);
    });
    await expect(gateway.request(verifyAudit, {}, theirs)).resolves.toMatchObject({ intact: true, entries: 1 });
  });
});

describe('the chain shows what was done to it (A59)', () => {
  let workspace: Caller;

  /** A workspace whose audit may be spoilt. */
  async function spoilable(name: string): Promise<Caller> {
    const { key } = await gateway.request(createWorkspace, { name }, admin);
    const caller = await security.caller(key.key);
    for (let i = 0; i < 4; i++) await publish(record({ target: `agent ${i}` }), caller.workspace);
    await eventually(async () => expect(await verify(caller)).toMatchObject({ intact: true, entries: 5 }));
    return caller;
  }

  const verify = (caller: Caller) => gateway.request(verifyAudit, {}, caller);
  const spoil = (statement: string) =>
    security.service.database.sql(statement.replace('WHERE', `WHERE workspace = '${workspace.workspace}' AND`));

  test.each([
    ['changed', `UPDATE audit_entry SET target = 'agent other' WHERE seq = 3`, 3, /not what was written/],
    ['changed-detail', `UPDATE audit_entry SET detail = '{"a":1}' WHERE seq = 2`, 2, /not what was written/],
    ['removed', `DELETE FROM audit_entry WHERE seq = 2`, 2, /entry 2 is missing/],
    ['cut', `DELETE FROM audit_entry WHERE seq >= 4`, 4, /ends at entry 3, 5 were written/],
    ['all-gone', `DELETE FROM audit_entry WHERE true`, 1, /ends at entry 0, 5 were written/],
    ['moved-head', `UPDATE audit_head SET hash = decode(repeat('ab', 32), 'hex') WHERE true`, 5, /built anew/],
  ])('%s', async (name, statement, brokenAt, because) => {
    workspace = await spoilable(name);
    await spoil(statement);
    await expect(verify(workspace)).resolves.toMatchObject({ intact: false, brokenAt, because: expect.stringMatching(because) as unknown });
  });

  test('reordered', async () => {
    workspace = await spoilable('reordered');
    await spoil(`UPDATE audit_entry SET seq = seq + 100 WHERE seq IN (2, 3)`);
    await spoil(`UPDATE audit_entry SET seq = 105 - seq WHERE seq > 100`);
    await expect(verify(workspace)).resolves.toMatchObject({ intact: false, brokenAt: 2 });
  });
});

test('an audit that nothing was written to is intact', async () => {
  const { key } = await gateway.request(createWorkspace, { name: 'silent' }, admin);
  const caller = await security.caller(key.key);
  await eventually(async () => expect(await gateway.request(verifyAudit, {}, caller)).toMatchObject({ entries: 1 }));
  await security.service.database.sql(`DELETE FROM audit_entry WHERE workspace = $1`, [caller.workspace]);
  await security.service.database.sql(`DELETE FROM audit_head WHERE workspace = $1`, [caller.workspace]);
  await expect(gateway.request(verifyAudit, {}, caller)).resolves.toEqual({ intact: true, entries: 0, checkpoints: 0, head: '' });
});
