// A worker that never ends its first attempt; it is killed in the middle of it. Address, key and name come by the environment.
import { setTimeout as sleep } from 'node:timers/promises';
import { worker } from '@signalbox/sdk/worker/worker.js';

await worker({
  agent: 'mortal',
  skills: {
    work: {
      run: async (_, { signal }) => {
        process.stdout.write('begun\n');
        await sleep(60_000, undefined, { signal });
      },
    },
  },
}).run();
