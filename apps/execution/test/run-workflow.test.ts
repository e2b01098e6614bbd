import { expect, test } from '@jest/globals';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { apply, ended, start, startExecution, TestWorker } from './peers.ts';

test('a workflow of workers runs to its end, and each step is recorded once', async () => {
  await using service = await startExecution({ adder: { kind: 'worker', skills: ['add'] } });
  await apply(
    service,
    'sum',
    {
      split: { value: [1, 2, 3] },
      add: { forEach: '${{ steps.split.output }}', agent: 'adder', skill: 'add', with: { n: '${{ item + input.base }}' } },
      total: { agent: 'adder', with: { all: '${{ steps.add.output }}' } },
    },
    { outputs: { total: '${{ steps.total.output.total }}', parts: '${{ steps.add.output.map(part, part.n) }}' } },
  );
  await using worker = new TestWorker(service, 'adder', ({ input }) => {
    const { n, all } = input as { n?: number; all?: { n: number }[] };
    return { output: all ? { total: all.reduce((sum, part) => sum + part.n, 0) } : { n } };
  });
  const started = await start(service, { workflow: 'sum', input: { base: 10 }, labels: { team: 'blue' } });
  expect(started).toMatchObject({ status: 'running', workflow: 'sum', labels: { team: 'blue' } });
  const run = await ended(service, started.id);
  expect(run).toMatchObject({ status: 'succeeded', output: { total: 36, parts: [11, 12, 13] }, progress: { total: 5, done: 5 } });
  expect(run.steps.map(({ key, status }) => `${key} ${status}`)).toEqual([
    'split succeeded',
    'add[0] succeeded',
    'add[1] succeeded',
    'add[2] succeeded',
    'total succeeded',
  ]);
  expect(worker.done).toHaveLength(4);
  const { data, isEnded } = await service.request(listRunEvents, { run: started.id });
  expect(isEnded).toBe(true);
  expect(data.filter(({ type }) => type === 'step.succeeded')).toHaveLength(5);
  expect(data[0]?.type).toBe('run.started');
  expect(data.at(-1)?.type).toBe('run.succeeded');
  const rest = await service.request(listRunEvents, { run: started.id, after: data[3]?.seq ?? 0 });
  expect(rest.data).toEqual(data.slice(4));
  const listed = await service.request(listRuns, { labels: { team: 'blue' }, workflow: 'sum', status: ['succeeded'] });
  expect(listed.data.map(({ id }) => id)).toEqual([started.id]);
  await expect(
    service.request(getRun, { run: started.id }, { as: { workspace: '01900000-0000-7000-8000-00000000000b' } }),
  ).rejects.toMatchObject({
    code: 'not_found',
  });
});
