import { expect, test } from '@jest/globals';
import { Supervised, type Part, type RunningPart } from './supervised.ts';

const policy = { firstPauseMs: 5, maxPauseMs: 40, stableMs: 10_000 };

/** A part whose ends and failures the test decides. */
class TestPart implements Part {
  readonly name = 'part';
  starts = 0;
  stops = 0;
  failures = 0;
  end: (how: string) => void = () => undefined;

  start(signal: AbortSignal): Promise<RunningPart> {
    this.starts++;
    if (this.failures-- > 0) return Promise.reject(new Error('not yet\nand more'));
    const { promise, resolve } = Promise.withResolvers<string>();
    this.end = resolve;
    signal.addEventListener('abort', () => undefined);
    return Promise.resolve({
      pid: this.starts,
      exited: promise,
      stop: () => {
        this.stops++;
        resolve('ended with code 0');
        return Promise.resolve();
      },
    });
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('a crash is said and answered by a new start, for as often as it needs', async () => {
  const part = new TestPart();
  const said: string[] = [];
  const supervised = new Supervised(part, (sentence) => said.push(sentence), policy);
  await supervised.start();
  expect(supervised.pid).toBe(1);
  await supervised.whenRunning();
  part.failures = 2;
  part.end('was ended by SIGKILL');
  await until(() => said.length === 1);
  await supervised.whenRunning();
  expect(supervised.pid).toBe(4);
  await until(() => said.length === 4);
  expect(said.slice(0, 3)).toEqual([
    'part was ended by SIGKILL; it is started again.',
    'part did not start: not yet',
    'part did not start: not yet',
  ]);
  expect(said[3]).toMatch(/^part is back \(\d+\.\d s\)\.$/);
  expect(supervised.pid).toBe(4);
  await supervised.stop();
  expect(part.stops).toBe(1);
  expect(supervised.pid).toBeNull();
});

test('the first start fails for its caller', async () => {
  const part = new TestPart();
  part.failures = 1;
  const supervised = new Supervised(part, () => undefined, policy);
  await expect(supervised.start()).rejects.toThrow('not yet');
  await supervised.stop();
  await supervised.whenRunning(); // nobody waits for what runs no more
  expect(part.starts).toBe(1);
});

test('stopped while it starts, it ends as soon as it runs', async () => {
  const part = new TestPart();
  const supervised = new Supervised(part, () => undefined, policy);
  const starting = supervised.start();
  await supervised.stop();
  await starting;
  expect(part.stops).toBe(1);
  expect(supervised.pid).toBeNull();
});

test('stopped between two attempts, it makes no more', async () => {
  const part = new TestPart();
  const said: string[] = [];
  const supervised = new Supervised(part, (sentence) => said.push(sentence), { ...policy, firstPauseMs: 30_000 });
  await supervised.start();
  part.end('ended with code 1');
  await until(() => said.length === 1);
  await supervised.stop();
  await supervised.whenRunning(); // nobody waits for what runs no more
  expect(part.starts).toBe(1);
});
