// A worker of the drill, a process of its own that is killed and stopped. Address, key and instance come by the environment.
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskError } from '@signalbox/sdk/worker/skill.js';
import { worker } from '@signalbox/sdk/worker/worker.js';

await worker({
  agent: 'drill',
  concurrency: 8,
  reconnect: { firstMs: 100, maxMs: 500 },
  log: () => undefined,
  skills: {
    work: {
      run: async ({ workMs, failures, isHopeless, gives }, { attempt, signal }) => {
        await sleep(workMs, undefined, { signal });
        if (isHopeless) throw new TaskError('invalid', 'it is asked for what cannot be done');
        // Lost attempts count too, so that one fails at most as often as was asked for.
        if (attempt <= failures) throw new TaskError('unavailable', 'it fails on purpose');
        return gives;
      },
    },
  },
}).run();
