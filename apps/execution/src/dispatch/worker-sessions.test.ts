import { expect, test } from '@jest/globals';
import { WorkerSessions } from './worker-sessions.ts';

const [one, other] = [
  ['workspace', 'agent', 'one'],
  ['workspace', 'agent', 'other'],
];

test('a session takes the place of the one before it, once', () => {
  const sessions = new WorkerSessions();
  expect(['a', 'a', 'b', 'b'].map((session) => sessions.follow(one, session))).toEqual([false, false, true, false]);
  expect(sessions.follow(other, 'a')).toBe(false);
});

test('a session that was replaced is refused, and disturbs nobody', () => {
  const sessions = new WorkerSessions();
  sessions.follow(one, 'a');
  sessions.follow(one, 'b');
  expect(() => sessions.follow(one, 'a')).toThrow('one has connected again');
  expect(sessions.follow(one, 'b')).toBe(false);
});

test('only so many instances are remembered', () => {
  const sessions = new WorkerSessions();
  sessions.follow(one, 'a');
  for (let i = 0; i < 10_000; i++) sessions.follow(['workspace', 'agent', String(i)], 'x');
  expect(sessions.follow(one, 'b')).toBe(false);
});

test('what a session was handed has come when it asks again, and nothing of a session that was replaced', () => {
  const sessions = new WorkerSessions();
  sessions.follow(one, 'a');
  sessions.hand(one, 'a', ['task']);
  expect([sessions.takeHanded(one), sessions.takeHanded(one), sessions.takeHanded(other)]).toEqual([['task'], [], []]);
  sessions.hand(one, 'a', ['task']);
  sessions.follow(one, 'b');
  sessions.hand(one, 'a', ['late']);
  expect(sessions.takeHanded(one)).toEqual([]);
});
