import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { measured, median, type Bench, type Measurement } from '../measurement.ts';
import { RunningStack } from './running-stack.ts';

/** A service at rest has done its start-up's garbage collection by then. */
const settleMs = 15_000;

/** What a newcomer feels: the gateway's cost, start-up, memory at rest, the example. */
export const stackBench: Bench = {
  name: 'stack',
  async run({ rounds, isSmoke }) {
    await using stack = await RunningStack.create();
    await stack.start();
    const starts: number[] = [];
    const floors: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await stack.stop();
      floors.push((await bareStart()) / 1_000);
      starts.push((await stack.start()) / 1_000);
    }
    if (!isSmoke) await sleep(settleMs);
    const memory = await stack.memory();
    const services = serviceNames.reduce((sum, name) => sum + (memory.get(name) ?? NaN), 0);

    await stack.cli('apply', '-f', 'examples/repository-report', '--yes');
    await stack.cli('deploy', 'repository-report', '--yes', '--follow');
    const runs: number[] = [];
    await stack.cli('run', 'repository-report', '--follow');
    for (let round = 0; round < rounds; round++) {
      const from = performance.now();
      await stack.cli('run', 'repository-report', '--follow');
      runs.push((performance.now() - from) / 1_000);
    }
    return [
      measured({ bench: 'stack', what: 'second start to ready', unit: 's' }, starts, { floors, goal: 8 }),
      measured({ bench: 'stack', what: 'memory at rest, seven services, PSS', unit: 'MiB' }, [services], { goal: 900 }),
      measured({ bench: 'stack', what: 'the example on the clone, by the command line', unit: 's' }, runs, { goal: 10 }),
      await gatewayRead(stack, rounds, isSmoke ? 500 : 3_000),
    ];
  },
};

/** As many processes as services, started at once: milliseconds until each has loaded its libraries. */
async function bareStart(): Promise<number> {
  const from = performance.now();
  const children = serviceNames.map(() => fork(fileURLToPath(new URL('./bare-service.js', import.meta.url))));
  try {
    await Promise.all(children.map((child) => once(child, 'message')));
    return performance.now() - from;
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

/** A REST read of one agent through the gateway, beside a bare Fastify route that makes the same bus request. */
async function gatewayRead(stack: RunningStack, rounds: number, samples: number): Promise<Measurement> {
  const key = await stack.key();
  const bare = fork(
    fileURLToPath(new URL('./bare-gateway.js', import.meta.url)),
    [await stack.natsUrl(), join(stack.data, 'creds', 'api-gateway.creds')],
    {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, SIGNALBOX_API_KEY: key },
    },
  );
  try {
    const [bareUrl] = (await once(bare, 'message')) as [string];
    const path = '/api/v1/agents/librarian';
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const p50 = async (url: string, count: number): Promise<number> => {
      const times: number[] = [];
      for (let sample = 0; sample < count; sample++) {
        const from = performance.now();
        await read(agent, url + path, key);
        times.push(performance.now() - from);
      }
      return median(times);
    };
    await p50(bareUrl, samples / 2);
    await p50(stack.url, samples / 2);
    const floors: number[] = [];
    const values: number[] = [];
    for (let round = 0; round < rounds; round++) {
      floors.push(await p50(bareUrl, samples));
      values.push(await p50(stack.url, samples));
    }
    agent.destroy();
    return measured({ bench: 'stack', what: 'REST read of one agent, p50', unit: 'ms' }, values, {
      floors,
      goalOf: (floor) => floor * 1.3,
    });
  } finally {
    bare.kill('SIGKILL');
  }
}

function read(agent: Agent, url: string, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers: { authorization: `Bearer ${key}` } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end();
  });
}
