import { expect, test } from '@jest/globals';
import { Pace, paceBurst, pacePerSecond } from './pace.ts';
import { offeredTask, type QueuedTask } from './queued-task.ts';

function again(workspace: string): QueuedTask {
  const offer = { workspace, grant: '', kind: 'agent', target: 'a', step: 's', input: null, timeoutMs: 1, idempotencyKey: '' } as const;
  return { ...offeredTask('task', offer), again: 'asks' };
}

test('ten thousand attempts that are handed out again come a bounded number a second, and in turn with those of another workspace', () => {
  let now = 0;
  const gone: QueuedTask[] = [];
  const pace = new Pace(
    (task) => gone.push(task),
    () => now,
  );
  try {
    const many = Array.from({ length: 10_000 }, () => again('busy'));
    expect(many.filter((task) => !pace.holds(task))).toHaveLength(paceBurst);
    const other = again('quiet');
    expect([pace.holds(other), pace.holds(other)]).toEqual([true, true]);
    const dead = many.at(-1) as QueuedTask;
    dead.phase = 'gone';
    pace.turn();
    expect(gone).toEqual([]);
    now += 1;
    pace.turn();
    expect(gone).toHaveLength(pacePerSecond / 1_000);
    expect(gone).toContain(other);
    for (; now < 4_100; now += 20) pace.turn();
    expect(gone).toHaveLength(10_000 - paceBurst); // one more, of the other workspace, and one less
    expect(new Set(gone).size).toBe(gone.length);
    // What is new does not wait.
    expect(pace.holds({ ...again('busy'), again: undefined })).toBe(false);
  } finally {
    pace.stop();
  }
});
