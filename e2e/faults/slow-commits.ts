import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { withClient } from '@signalbox/stack/database/connect.js';
import { testCase } from '../cases/case.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import type { Load } from './load.ts';
import { growthMaxBytes, memoryOf } from './memory.ts';

const commitMs = 500;
/** A commit takes up to 4 MB, and there are two at a time: these child runs need some ten seconds, however quick the machine is. */
const children = 1_500;
const inputBytes = 100_000;
/** Who starts runs meanwhile, one after another, in the workspace of these and in another. */
const starters = 5;
/**
 * Beside what services grow by: of two commits of 4 MB the rows, the statement and what is sent, and as much of those before that is not yet
 * collected. What waits for them has 150 MB.
 */
const commitsMaxBytes = 2 * 4 * 8 * 1024 * 1024;
/** A start takes a few milliseconds where nothing waits. */
const quickMs = 250;
const quickAgainMaxMs = 5_000;

/** PostgreSQL takes so long for each statement that writes to the journal, which is a transaction; all others are as quick as ever. */
const slowCommits = `
  CREATE FUNCTION execution.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${commitMs / 1_000}); RETURN NULL; END $$;
  CREATE TRIGGER late AFTER INSERT ON execution.journal FOR EACH STATEMENT EXECUTE FUNCTION execution.late()`;
const quickCommits = 'DROP TRIGGER late ON execution.journal; DROP FUNCTION execution.late()';

/** Starts of runs by one workspace. */
class Starts {
  readonly taken: string[] = [];
  readonly refused: { status: number; code: string; retryAfter: string | null }[] = [];
  slowestMs = 0;

  constructor(
    private readonly stack: StackUnderTest,
    readonly key: string,
  ) {}

  /** Starts a run. One that is refused is asked for again when the answer says, by the same key. */
  async one(): Promise<void> {
    for (const wish = randomUUID(); ;) {
      const from = performance.now();
      const headers = { 'idempotency-key': wish };
      const answer = await this.stack.rest('POST', '/api/v1/workflows/one/runs', { key: this.key, body: {}, headers });
      const { id, code } = answer.body as { id: string; code: string };
      if (answer.status === 202) {
        this.taken.push(id);
        this.slowestMs = Math.max(this.slowestMs, performance.now() - from);
        return;
      }
      const retryAfter = answer.headers.get('retry-after');
      this.refused.push({ status: answer.status, code, retryAfter });
      await sleep(Number(retryAfter) * 1_000);
    }
  }
}

/** F20. `databaseOf` gives an administrator's URL. */
export function slowCommitCases(stackOf: () => StackUnderTest, databaseOf: () => Promise<string>, loadOf: () => Load): void {
  testCase(
    'F20',
    `each commit of the engine takes ${commitMs} ms while a workspace starts ${children} runs of ${inputBytes / 1_000} KB at once`,
    async (happened) => {
      const [stack, load] = [stackOf(), loadOf()];
      const since = Date.now();
      const sql = async <Row extends object>(text: string): Promise<Row[]> =>
        withClient(await databaseOf(), async (client) => (await client.query<Row>(text)).rows);
      const statuses = (): Promise<{ workflow: string; status: string; n: number }[]> =>
        sql(`SELECT workflow, status, count(*)::int AS n FROM execution.run WHERE workflow IN ('one', 'many') GROUP BY 1, 2 ORDER BY 1, 2`);
      const haveBegun = async (): Promise<boolean> => (await statuses()).some(({ workflow }) => workflow === 'one');
      const haveEnded = async (): Promise<boolean> => (await statuses()).every(({ status }) => status !== 'running');

      const { body } = await stack.rest('POST', '/api/v1/workspaces', { body: { name: 'flooding' } });
      const loud = new Starts(stack, (body as { key: { key: string } }).key.key);
      const quiet = new Starts(stack, await stack.adminKey());
      const loudly = new SignalboxClient({ url: stack.url, apiKey: loud.key });
      for (const { workflows } of [loudly, await stack.client()]) await workflows.apply(workflow('one', { only: { value: 1 } }));
      const items = Array.from({ length: children }, (_, item) => item);
      const each = { forEach: items, maxParallel: children, workflow: 'one', with: '${{ input }}' };
      await loudly.workflows.apply(workflow('many', { each }));
      await load.begin();

      await sql(slowCommits);
      let isOver = false;
      let back = 0;
      let atRefusal = 0;
      let peak = 0;
      const starting: Promise<void>[] = [];
      try {
        await loudly.workflows.start('many', { input: 'x'.repeat(inputBytes) });
        await until('the first of them are written', haveBegun);
        for (const starts of [loud, quiet]) {
          for (let number = 0; number < starters; number++) {
            starting.push(
              (async () => {
                while (!isOver) await starts.one();
              })(),
            );
          }
        }
        await until(
          'all of them are written',
          async () => {
            const memory = (await memoryOf(stack)).get('execution')!;
            if (loud.refused.length > 0) {
              atRefusal ||= memory;
              peak = Math.max(peak, memory);
            }
            return (await statuses()).some(({ workflow, status }) => workflow === 'many' && status !== 'running');
          },
          60_000,
        );
      } finally {
        isOver = true;
        await sql(quickCommits);
        back = performance.now();
        await Promise.allSettled(starting); // what fails of them is told below, and in no other case
      }
      await Promise.all(starting);
      await until('starts are quick again', async () => {
        const from = performance.now();
        await quiet.one();
        return performance.now() - from <= quickMs;
      });
      const quickAgainMs = performance.now() - back;
      await until('all have ended', haveEnded);
      const loaded = await load.end();
      const grown = peak - atRefusal;
      happened(`${loud.refused.length} starts of its own were refused meanwhile, all by 429 with Retry-After, and taken later`);
      happened(`${quiet.taken.length} starts of another workspace were all taken, the slowest after ${Math.round(quiet.slowestMs)} ms`);
      happened(`execution grew by ${(grown / 1024 ** 2).toFixed(1)} MiB from the first refusal on`);
      happened(`a start took less than ${quickMs} ms again ${Math.round(quickAgainMs)} ms after commits were quick`);
      happened(`all ${children + 1 + loud.taken.length + quiet.taken.length} runs have succeeded, and ${loaded} by a worker`);
      happened(await expectVerified(stack, since));
      expect(loud.refused.length).toBeGreaterThan(0);
      for (const refusal of loud.refused)
        expect(refusal).toEqual({ status: 429, code: 'limited', retryAfter: expect.stringMatching(/^[1-9]\d*$/) as unknown });
      expect(quiet.refused).toEqual([]);
      expect(grown).toBeLessThanOrEqual(growthMaxBytes + commitsMaxBytes);
      expect(quickAgainMs).toBeLessThanOrEqual(quickAgainMaxMs);
      expect(await statuses()).toEqual([
        { workflow: 'many', status: 'succeeded', n: 1 },
        { workflow: 'one', status: 'succeeded', n: children + loud.taken.length + quiet.taken.length },
      ]);
    },
    90_000,
  );
}

function workflow(name: string, steps: object): never {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps } } as never;
}
