import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { TimerHeap } from '@signalbox/workflow/timers/timer-heap.js';
import { Alarm } from './alarm.ts';

test('timers fire in the order of their time, the cancelled ones never', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_000), fc.boolean()), { maxLength: 200 }), fc.nat(1_000), (timers, now) => {
      const heap = new TimerHeap();
      const fired: number[] = [];
      const set = timers.map(([due]) => heap.set(due, () => fired.push(due)));
      timers.forEach(([, isCancelled], index) => isCancelled && heap.cancel(set[index]));
      const kept = timers.filter(([, isCancelled]) => !isCancelled).map(([due]) => due);
      expect(heap.size).toBe(kept.length);
      heap.run(now);
      expect(fired).toEqual(kept.filter((due) => due <= now).sort((a, b) => a - b));
      expect(heap.nextDue()).toBe(kept.filter((due) => due > now).sort((a, b) => a - b)[0]);
    }),
  );
});

test('what a timer sets fires too if it is due', () => {
  const heap = new TimerHeap();
  const fired: string[] = [];
  heap.set(1, () => {
    fired.push('first');
    heap.set(2, () => fired.push('second'));
    heap.set(9, () => fired.push('later'));
  });
  heap.run(5);
  expect(fired).toEqual(['first', 'second']);
});

test('cancelled timers are swept out, so that they take no memory', () => {
  const heap = new TimerHeap();
  const timers = Array.from({ length: 10_000 }, (_, due) => heap.set(due, () => undefined));
  for (const timer of timers.slice(0, 9_000)) heap.cancel(timer);
  heap.cancel(timers[0]);
  heap.cancel(undefined);
  expect((heap as unknown as { entries: unknown[] }).entries.length).toBeLessThan(3_000);
  expect(heap.size).toBe(1_000);
  expect(heap.nextDue()).toBe(9_000);
});

test('a cancelled timer holds nothing of what it was for, however long it stays', () => {
  const heap = new TimerHeap();
  const fire = (): void => undefined;
  heap.set(1, fire);
  for (const due of [2, 3]) heap.cancel(heap.set(due, fire));
  expect((heap as unknown as { entries: { fire: unknown }[] }).entries.filter((entry) => entry.fire === fire)).toHaveLength(1);
});

test('an alarm rings at its time, and waits while its owner may not act', () => {
  jest.useFakeTimers();
  const at = now();
  try {
    let mayAct = true;
    const alarm = new Alarm(() => mayAct);
    const fired: number[] = [];
    alarm.set(at + 200, () => fired.push(200));
    alarm.set(at + 100, () => fired.push(100));
    alarm.cancel(alarm.set(at + 150, () => fired.push(150)));
    expect(alarm.size).toBe(2);
    jest.advanceTimersByTime(120);
    expect(fired).toEqual([100]);
    mayAct = false;
    jest.advanceTimersByTime(500);
    expect(fired).toEqual([100]);
    mayAct = true;
    alarm.ring();
    expect(fired).toEqual([100, 200]);
    alarm.set(at + 20000, () => fired.push(20_000));
    jest.advanceTimersByTime(30_000);
    expect(fired).toEqual([100, 200, 20_000]);
    alarm.set(at + 40000, () => fired.push(40_000));
    alarm.stop();
    alarm.set(at + 50000, () => fired.push(50_000));
    alarm.ring();
    jest.advanceTimersByTime(60_000);
    expect(fired).toEqual([100, 200, 20_000]);
  } finally {
    jest.useRealTimers();
  }
});
