import { afterEach, expect, test } from '@jest/globals';
import { describeExit, WatchedChild, type WatchOptions, type WatchState } from '../src/watch-child.ts';
import { doing, isAlive, until } from './deeds.ts';

const watched: WatchedChild[] = [];
afterEach(async () => {
  await Promise.all(watched.splice(0).map((each) => each.stop({ inputMs: 10, graceMs: 100 })));
});
function watch(deed: string[], options: Partial<WatchOptions> = {}): WatchedChild & { states: WatchState[] } {
  const states: WatchState[] = [];
  const made = new WatchedChild({ spec: () => doing(deed), chance: () => 0, onState: (state) => states.push(state), ...options });
  watched.push(made);
  return Object.assign(made, { states });
}

test('a child that is killed is started again after a pause', async () => {
  const child = watch(['stubborn'], { restart: { initialMs: 50 } });
  await child.start();
  const { pid } = child.state;
  expect(child.child?.pid).toBe(pid);
  process.kill(pid!, 'SIGKILL');
  await until(() => child.state.status === 'running' && child.state.pid !== pid);
  expect(child.state).toMatchObject({ restarts: 1, lastExit: { signal: 'SIGKILL' } });
  const waiting = child.states.find(({ status }) => status === 'waiting');
  expect(waiting).toMatchObject({ reason: 'it was ended by SIGKILL', pid: null });
  expect(waiting!.nextAttemptAt).toBeGreaterThan(0);
});

test('a crash loop stops and says so; a start by hand tries again', async () => {
  const child = watch(['exit', '4'], { restart: { initialMs: 5, crashesMax: 3 } });
  await child.start();
  await until(() => child.state.status === 'failed');
  expect(child.state).toMatchObject({
    reason: expect.stringMatching(/^it exited with code 4; it ended 3 times within \d+ s$/),
    restarts: 2,
  });
  await child.start();
  expect(['running', 'waiting']).toContain(child.state.status);
});

test('what can never be started is not tried again', async () => {
  const child = watch([], { spec: () => ({ command: [], cwd: '/', env: {} }) });
  await child.start();
  expect(child.state).toMatchObject({ status: 'failed', reason: 'the command is empty' });
});

test('a program that is missing is looked for again, and waiting is cut short by a start', async () => {
  let command = ['no-such-program'];
  const child = watch([], {
    spec: () => ({ command, cwd: '/', env: { PATH: '/usr/bin:/bin' } }),
    restart: { initialMs: 60_000, maxMs: 60_000 },
  });
  await child.start();
  expect(child.state.status).toBe('waiting');
  command = ['sleep', '60'];
  await child.start();
  expect(child.state.status).toBe('running');
  await child.start();
});

test('stopping ends the child and the waiting, restarting makes a new one', async () => {
  const child = watch(['stubborn'], { restart: { initialMs: 20 } });
  await Promise.all([child.start(), child.start()]);
  const { pid } = child.state;
  await child.restart({ inputMs: 10, graceMs: 50 });
  expect(child.state.pid).not.toBe(pid);
  await child.stop({ inputMs: 10, graceMs: 50, because: 'enough' });
  expect(child.state).toMatchObject({ status: 'stopped', reason: 'enough', pid: null });
  expect(await isAlive(pid!)).toBe(false);
  const waiting = watch(['exit', '1'], { restart: { initialMs: 60_000 } });
  await waiting.start();
  await until(() => waiting.state.status === 'waiting');
  await waiting.stop();
  expect(waiting.state.status).toBe('stopped');
});

test('an exit reads as a sentence', () => {
  expect(describeExit({ code: 1, signal: null, because: null })).toBe('it exited with code 1');
  expect(describeExit({ code: null, signal: 'SIGSEGV', because: null })).toBe('it was ended by SIGSEGV');
  expect(describeExit({ code: null, signal: 'SIGKILL', because: 'it was stopped' })).toBe('it was stopped');
});
