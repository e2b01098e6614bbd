import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventStream } from '@signalbox/shared/bus/event-stream.js';
import { verifyAudit } from '@signalbox/shared/contracts/security/verify-audit.js';
import { eventually, SecurityUnderTest } from './security-under-test.ts';

/** Its own changes go through the stream to its own audit: what is lost on the way would be missing there. */
let security: SecurityUnderTest;
beforeAll(async () => {
  security = await SecurityUnderTest.start();
}, 90_000);
afterAll(() => security?.[Symbol.asyncDispose]());

async function change(name: string): Promise<string> {
  return (await security.key({ name })).id;
}

/** Each of these changes stands in the audit once, within what a client needs to look for its consumer again. */
async function expectHeardOnce(ids: string[]): Promise<void> {
  for (const id of ids) {
    await eventually(async () => expect(await security.audit({ q: id })).toHaveLength(1), 15_000);
  }
  const gateway = await security.as('api-gateway');
  await expect(gateway.request(verifyAudit, {}, await security.caller())).resolves.toMatchObject({ intact: true });
}

async function lastSequence(): Promise<number> {
  const answer = await security.service.bus.connection.request(`$JS.API.STREAM.INFO.${eventStream}`);
  return answer.json<{ state: { last_seq: number } }>().state.last_seq;
}

/** What a handler cannot do, while `work` is done. */
async function whileUnheard(work: () => Promise<void>): Promise<void> {
  const { database } = security.service;
  await database.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$`);
  await database.sql('CREATE TRIGGER refuse BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse()');
  await work();
  await database.sql('DROP TRIGGER refuse ON audit_entry');
}

test('F07: the disk of NATS is lost with an event that nobody has heard yet: it is published again, and heard', async () => {
  const ids = [await change('before')];
  await expectHeardOnce(ids);
  await whileUnheard(async () => {
    ids.push(await change('unheard'));
    await eventually(async () => expect(await lastSequence()).toBeGreaterThanOrEqual(2));
    await eventually(async () => {
      const [row] = await security.service.database.sql('SELECT count(*)::int AS n FROM outbox WHERE published_at IS NULL');
      expect(row).toEqual({ n: 0 });
    });
    await security.service.restartNats(0, (store) => rm(store, { recursive: true }));
  });
  ids.push(await change('after'));
  await expectHeardOnce(ids);
}, 60_000);

test('F08: the end of the stream is lost after it was heard: it is published again, dropped by its id, and what comes next is heard', async () => {
  const kept = await mkdtemp(join(tmpdir(), 'sb-lost-events-'));
  try {
    const ids = [await change('on the disk')];
    await expectHeardOnce(ids);
    await security.service.restartNats(0, (store) => cp(store, kept, { recursive: true }));
    for (const name of ['first', 'second', 'third']) ids.push(await change(name));
    await expectHeardOnce(ids);
    const before = await lastSequence();
    await sleep(500); // what consumers have heard is written by then
    await security.service.restartNats(0, async (store) => {
      for (const path of await readdir(kept, { recursive: true })) {
        if (!path.endsWith('msgs')) continue;
        await rm(join(store, path), { recursive: true });
        await cp(join(kept, path), join(store, path), { recursive: true });
      }
    });
    ids.push(await change('next'));
    await expectHeardOnce(ids);
    // Three are there again, under new numbers.
    await eventually(async () => expect(await lastSequence()).toBeGreaterThan(before + 3));
  } finally {
    await rm(kept, { recursive: true });
  }
}, 60_000);
