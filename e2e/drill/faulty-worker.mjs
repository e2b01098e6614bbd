// A worker of the recovery drill, a process of its own that is killed, stopped, and told over IPC how to do its tasks: `well`, `errors`, `slow` or `garbage`.
// It tells of each bad task when that has ended. Address, key, agent and instance come by the environment.
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskError } from '@signalbox/sdk/worker/skill.js';
import { worker } from '@signalbox/sdk/worker/worker.js';

const workMs = 150;
const slowMs = 4_000;
let mode = 'well';
process.on('message', (told) => (mode = told));

await worker({
  agent: process.env.DRILL_AGENT,
  instance: process.env.DRILL_INSTANCE,
  concurrency: 4,
  reconnect: { firstMs: 100, maxMs: 500 },
  log: () => undefined,
  skills: {
    double: {
      run: async (n, { signal }) => {
        const as = mode;
        await sleep(as === 'slow' ? slowMs : workMs, undefined, { signal });
        if (as !== 'well') process.send?.(Date.now());
        if (as === 'errors') throw new TaskError('unavailable', 'it fails on purpose');
        return as === 'garbage' ? `<html>${n}` : { n: 2 * n };
      },
    },
  },
}).run();
