import { expect, test } from '@jest/globals';
import { AgentQueue } from './agent-queue.ts';
import { calledMax, CalledTurns, shareMax } from './called-turns.ts';

/** Takes turns until none is left, as queues with endless tasks do; tells whose they were. */
function take(turns: CalledTurns, count = Infinity): string[] {
  const taken: string[] = [];
  for (let queue = turns.next(); queue !== undefined; queue = turns.next()) {
    taken.push(queue.workspace);
    turns.count(queue.workspace, 1);
    turns.enter(queue);
    if (taken.length === count) break;
  }
  return taken;
}

const queues = (workspace: string, count: number): AgentQueue[] =>
  Array.from({ length: count }, (_, number) => new AgentQueue(`tool ${workspace} ${number}`, undefined, workspace));

test('a workspace that floods leaves room: the first task of a quiet one is called at once', () => {
  const turns = new CalledTurns();
  for (const queue of queues('loud', 20)) turns.enter(queue);
  expect(take(turns)).toHaveLength(shareMax);
  turns.enter(queues('quiet', 1)[0] as AgentQueue);
  expect(take(turns, 1)).toEqual(['quiet']);
  expect(turns.why('loud')).toBe('this workspace has its share of 336 calls under way');
  expect(turns.why('quiet')).toBeUndefined();
});

test('where all places are taken, each place that is freed is the next workspace’s: a quiet one waits for as many as there are workspaces', () => {
  const turns = new CalledTurns();
  for (const workspace of ['loud', 'louder']) for (const queue of queues(workspace, 20)) turns.enter(queue);
  expect(take(turns)).toHaveLength(calledMax);
  turns.enter(queues('quiet', 1)[0] as AgentQueue);
  expect(turns.why('quiet')).toBe('448 calls are under way, 0 of this workspace, which takes turns with 2 others');
  const order: string[] = [];
  for (let freed = 0; freed < 3; freed++) {
    turns.count('loud', -1);
    order.push(...take(turns));
  }
  expect(order.slice().sort()).toEqual(['loud', 'louder', 'quiet']);
});

test('what has ended is not counted', () => {
  const turns = new CalledTurns();
  turns.count('a', 5);
  turns.count('a', -5);
  expect([turns.size, turns.activeOf('a'), turns.waiting]).toEqual([0, 0, 0]);
});
