import { expect, test } from '@jest/globals';
import type { RunEventType, RunProgressed } from '@signalbox/shared/contracts/execution/run-event.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { FollowedRun, type RunSource } from './followed-run.ts';

const caller = {} as Caller;

/** A run that so many follow, with what each write to the first of them held. */
async function followed(
  count: number,
): Promise<{ tell: (seq: number, type?: RunEventType) => void; writes: string[]; ends: () => number }> {
  let listener: (told: RunProgressed) => void = () => undefined;
  const page = { events: [], frames: Buffer.alloc(0), through: 0, hasMore: false, isEnd: false };
  const source: RunSource = {
    hear: (hears) => {
      listener = hears;
      return Promise.resolve(() => undefined);
    },
    read: () => Promise.resolve(page),
    page: () => Promise.resolve(page),
    forget: () => undefined,
  };
  const run = await FollowedRun.open(source, 0, caller);
  const writes: string[] = [];
  let ended = 0;
  for (let n = 0; n < count; n++) {
    const tell = n === 0 ? (frames: Buffer): void => void writes.push(frames.toString('utf8')) : (): void => undefined;
    run.add(0, caller, { tell, end: () => void ended++, isReady: () => true, onReady: () => undefined });
  }
  const at = new Date().toISOString();
  return {
    tell: (seq, type = 'step.succeeded') => listener({ seq, since: seq - 1, at, run: 'run_x', type } as RunProgressed),
    writes,
    ends: () => ended,
  };
}

const told = (writes: readonly string[]): number[] => writes.map((text) => text.match(/^id: /gm)?.length ?? 0);

test('few are told each event as it comes', async () => {
  const { tell, writes } = await followed(10);
  for (let seq = 1; seq <= 3; seq++) {
    tell(seq);
    await sleep(1);
  }
  expect(told(writes)).toEqual([1, 1, 1]);
});

test('a crowd is told many events at once, and the end at once', async () => {
  const { tell, writes, ends } = await followed(2_000);
  for (let seq = 1; seq <= 50; seq++) {
    tell(seq);
    await sleep(1);
  }
  expect(writes.length).toBeLessThan(25); // it rests 500 ms, and a busy machine may take as long for each few of these
  tell(51, 'run.succeeded');
  while (ends() < 2_000) await sleep(5);
  expect(told(writes).reduce((sum, events) => sum + events, 0)).toBe(51);
});
