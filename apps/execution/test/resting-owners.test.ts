import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { expectExact } from './exact.ts';
import { OwnerProcess, untilShared } from './owner-process.ts';
import { apply, ended, insist, start, startExecution } from './peers.ts';

let service: ServiceUnderTest;
let owner: OwnerProcess;

const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

beforeAll(async () => {
  service = await startExecution({});
  await service.stop();
  owner = new OwnerProcess(service);
  await untilShared(service, 1);
  await insist(() => apply(service, 'word', { word: { wait: { signal: 'go' } } }, { outputs: '${{ steps.word.output }}' }));
  await apply(service, 'parent', { below: { workflow: 'word', with: {} } }, { outputs: '${{ steps.below.output }}' });
  await apply(service, 'nap', { nap: { wait: '12s' } });
}, 120_000);

afterAll(async () => {
  owner?.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

interface Row {
  run_id: string;
  workflow: string;
  rows: number;
}

/** Runs that rest, with how many rows of the journal each has. */
async function resting(count: number): Promise<Row[]> {
  for (const late = performance.now() + 20_000; ; await sleep(100)) {
    const rows = await service.database.sql<Row>(
      `SELECT run_id, workflow, count(*)::int AS rows FROM run JOIN journal USING (run_id) WHERE wake_at IS NOT NULL GROUP BY run_id`,
    );
    if (rows.length === count) return rows;
    if (performance.now() > late) throw new Error(`${rows.length} runs rest, not ${count}`);
  }
}

test('runs that rest outlive their owner unloaded, and are woken by signals, timers and ends of children that came while nobody owned them', async () => {
  const naps = await Promise.all(list(10).map(() => start(service, { workflow: 'nap' })));
  const words = await Promise.all(list(20).map(() => start(service, { workflow: 'word' })));
  await Promise.all(list(5).map(() => start(service, { workflow: 'parent' })));
  const begun = performance.now();
  const before = await resting(40);
  owner.kill();
  await owner.exitCode;
  // As if the child had ended, and its owner had been killed before it told the parent.
  const child = await service.database.sql<{ run_id: string; parent: string; seq: number }>(
    `SELECT run_id, parent, (SELECT max(seq + count) FROM journal j WHERE j.run_id = run.run_id)::int AS seq FROM run WHERE parent IS NOT NULL ORDER BY run_id LIMIT 1`,
  );
  const [{ run_id: orphan, parent: above, seq } = { run_id: '', parent: '', seq: 0 }] = child;
  const body = JSON.stringify([{ t: 'ended', at: Date.now(), status: 'succeeded', reason: null, output: 'told late' }]);
  await service.database.sql(
    `INSERT INTO journal (run_id, seq, day, count, workspace, writer, body)
     SELECT run_id, ${seq}, day, 1, workspace, 'x', convert_to('${body}', 'UTF8') FROM run WHERE run_id = '${orphan}'`,
  );
  await service.database.sql(`UPDATE run SET status = 'succeeded', ended_at = now(), wake_at = NULL WHERE run_id = '${orphan}'`);
  // A version that knew nothing of resting had it last.
  const [old] = before.filter(({ workflow }) => workflow === 'word');
  await service.database.sql(`UPDATE run SET wake_at = NULL WHERE run_id = '${old?.run_id}'`);

  await sleep(Math.max(0, begun + 14_000 - performance.now())); // the naps are over by now
  owner = new OwnerProcess(service);
  await untilShared(service, 1);
  for (const { id } of naps) expect((await ended(service, id)).status).toBe('succeeded');
  for (const late = performance.now() + 20_000; ; await sleep(50)) {
    const [row] = await service.database.sql<{ status: string }>(`SELECT status FROM run WHERE run_id = '${above}'`);
    if (row?.status === 'succeeded') break;
    if (performance.now() > late) throw new Error('the parent was not told of its child’s end');
  }
  // Nobody has touched the others.
  const after = new Map((await resting(28)).map(({ run_id, rows }) => [run_id, rows]));
  const untouched = before.filter(({ run_id }) => after.get(run_id) !== undefined && run_id !== old?.run_id);
  expect(untouched).toHaveLength(27);
  for (const { run_id, rows } of untouched) expect(after.get(run_id)).toBe(rows);

  for (const { id } of words) await insist(() => service.request(signalRun, { run: id, name: 'go', data: id }));
  for (const { id } of words) expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: id });
  for (const { id } of [...words, ...naps]) await expectExact(service, id);
}, 120_000);
