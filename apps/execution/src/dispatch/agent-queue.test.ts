import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AgentQueue, type Poller } from './agent-queue.ts';
import type { QueuedTask } from './queued-task.ts';

function task(id: number, skill?: string, priority = 3, version?: number): QueuedTask {
  return { id: String(id), phase: 'queued', skill, priority, version } as QueuedTask;
}

function poller(credit: number, skills?: string[], version?: number): Poller & { given: QueuedTask[] } {
  const given: QueuedTask[] = [];
  return {
    instance: 'w',
    principal: 'p',
    credit,
    skills: skills && new Set(skills),
    version,
    given,
    give: (tasks) => given.push(...tasks),
  };
}

function offerIn(queue: AgentQueue): (task: QueuedTask) => void {
  return (offered) => {
    offered.phase = 'offered';
    queue.active++;
  };
}

test('tasks come out in the order they came, never more than the credit and the limit', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (count, credit, limit) => {
      const queue = new AgentQueue('q', 'a', 'w');
      queue.limit = limit;
      for (let id = 0; id < count; id++) queue.push(task(id));
      const taken = queue.takeFor(poller(credit), offerIn(queue));
      expect(taken.map(({ id }) => Number(id))).toEqual(Array.from({ length: Math.min(count, credit, limit) }, (_, id) => id));
      expect(queue.waiting).toBe(count - taken.length);
    }),
  );
});

test('what is gone is left out, and what was put back comes first', () => {
  const queue = new AgentQueue('q', 'a', 'w');
  const tasks = Array.from({ length: 3_000 }, (_, id) => task(id));
  for (const one of tasks) queue.push(one);
  for (const one of tasks.slice(0, 2_000)) one.phase = 'gone';
  expect(queue.first()?.id).toBe('2000');
  expect(queue.queued()).toHaveLength(1_000);
  const [taken] = queue.takeFor(poller(1), offerIn(queue));
  expect(taken?.id).toBe('2000');
  (taken as QueuedTask).phase = 'queued';
  queue.unshift(taken as QueuedTask);
  expect(queue.next()?.id).toBe('2000');
  const fresh = new AgentQueue('q', 'a', 'w');
  fresh.push(task(2));
  fresh.unshift(task(1));
  expect(fresh.next()?.id).toBe('1');
});

test('a worker gets only what it can do, others keep their place', () => {
  const queue = new AgentQueue('q', 'a', 'w');
  for (const [id, skill] of [
    [0, 'read'],
    [1, 'write'],
    [2, undefined],
    [3, 'write'],
  ] as const)
    queue.push(task(id, skill));
  expect(queue.takeFor(poller(9, ['write']), offerIn(queue)).map(({ id }) => id)).toEqual(['1', '2', '3']);
  expect(queue.next()?.id).toBe('0');
  expect(queue.next()).toBeUndefined();
});

test('waiting workers are served once each, in turn', () => {
  const queue = new AgentQueue('q', 'a', 'w');
  const first = poller(2);
  const second = poller(2);
  queue.addPoller(first);
  queue.addPoller(second);
  expect(queue.isIdle).toBe(false);
  expect(queue.isWatched).toBe(true);
  for (let id = 0; id < 3; id++) queue.push(task(id));
  queue.serve(offerIn(queue));
  expect(first.given.map(({ id }) => id)).toEqual(['0', '1']);
  expect(second.given.map(({ id }) => id)).toEqual(['2']);
  expect(queue.isWatched).toBe(false);
  const third = poller(1);
  queue.addPoller(third);
  queue.serve(offerIn(queue));
  expect(third.given).toEqual([]);
  expect(queue.pollersOf('w')).toEqual([third]);
});

test('what is more urgent goes first, and what was put back stays behind it', () => {
  const queue = new AgentQueue('q', 'a', 'w');
  for (const [id, priority] of [
    [1, 3],
    [2, 5],
    [3, 1],
    [4, 3],
  ] as const)
    queue.push(task(id, undefined, priority));
  const [urgent, usual] = queue.takeFor(poller(2), offerIn(queue)) as [QueuedTask, QueuedTask];
  expect([urgent.id, usual.id]).toEqual(['3', '1']);
  usual.phase = 'queued';
  queue.unshift(usual);
  queue.push(task(5, undefined, 2));
  expect(queue.queued().map(({ id }) => id)).toEqual(['5', '1', '4', '2']);
});

test('a task of one version goes to workers of that version; who does not say runs the current one', () => {
  const queue = new AgentQueue('q', 'a', 'w');
  queue.version = 3;
  for (const version of [2, 3, undefined, 2]) queue.push(task(queue.waiting, undefined, 3, version));
  const taken = (version?: number): string[] => queue.takeFor(poller(9, undefined, version), offerIn(queue)).map(({ id }) => id);
  expect(taken(1)).toEqual(['2']);
  expect(taken()).toEqual(['1']);
  expect(taken(2)).toEqual(['0', '3']);
});
