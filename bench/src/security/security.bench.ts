import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import { getSigningKeys } from '@signalbox/shared/contracts/security/get-signing-keys.js';
import { requirePermission } from '@signalbox/shared/identity/caller.js';
import { IdentityBroker } from '@signalbox/shared/identity/identity-broker.js';
import { IdentityVerifier } from '@signalbox/shared/identity/verifier.js';
import { measured, median, type Bench, type Measurement } from '../measurement.ts';
import { RunningStack } from '../stack/running-stack.ts';

const makersAtOnce = 24;
const permission = 'agents:read';

/** What it costs to know who asks and what they may do, with ever more keys in use at once. */
export const securityBench: Bench = {
  name: 'security',
  async run({ rounds, isSmoke }) {
    const counts = isSmoke ? [1, 100] : [1, 100, 10_000];
    const samples = isSmoke ? 2_000 : 20_000;
    // One key asks for more than a person's programs may.
    await using stack = await RunningStack.create({ RATE_MAX: '1000000' });
    await stack.start();
    await stack.cli('apply', '-f', 'examples/repository-report', '--yes');
    const keys = await makeKeys(stack, counts.at(-1)!);
    const connection = await connectBus({
      natsUrl: await stack.natsUrl(),
      natsCreds: join(stack.data, 'creds', 'api-gateway.creds'),
      name: 'api-gateway',
    });
    const bus = new Bus('api-gateway', connection);
    const broker = new IdentityBroker(bus);
    bus.broker = broker;
    const verifier = new IdentityVerifier('registry', () => bus.request(getSigningKeys, {}, 'service'));
    try {
      const rows: Measurement[] = [];
      const verified = new Set<string>();
      let oneKey = 0;
      for (const count of counts) {
        const used = keys.slice(0, count);
        const added: number[] = [];
        const first: number[] = [];
        const cpu: number[] = [];
        const reads: number[] = [];
        for (let round = 0; round < rounds; round++) {
          await eachOf(used, async (key) => void (await known(broker, key)));
          const times: number[] = [];
          const firstTimes: number[] = [];
          const before = process.cpuUsage();
          for (let sample = 0; sample < samples; sample++) {
            const key = used[sample % used.length]!;
            const from = performance.now();
            const caller = broker.callerIfKnown('key', key) ?? (await known(broker, key));
            requirePermission(caller, permission);
            const token = await caller.tokenFor('registry');
            requirePermission(await verifier.verify(token), permission);
            (verified.has(token) ? times : firstTimes).push(performance.now() - from);
            verified.add(token);
          }
          const { user, system } = process.cpuUsage(before);
          added.push(median(times));
          if (firstTimes.length > 0) first.push(median(firstTimes));
          cpu.push((user + system) / 1_000 / samples);
          reads.push(await readP50(stack, used, isSmoke ? 500 : 3_000));
        }
        const name = `${count.toLocaleString('en')} ${count === 1 ? 'key' : 'keys'}`;
        rows.push(
          measured({ bench: 'security', what: `authentication and authorisation of a read, ${name}, p50`, unit: 'ms' }, added, {
            goal: 0.15,
          }),
          measured({ bench: 'security', what: `the same, CPU`, unit: 'ms' }, cpu),
        );
        if (count === 10_000) {
          const what = 'the same, an identity that was not seen before (once a minute for each key), p50';
          rows.push(measured({ bench: 'security', what, unit: 'ms' }, first));
        }
        if (count === 1) oneKey = median(reads);
        else
          rows.push(
            measured({ bench: 'security', what: `REST read by ${name} in turn, p50, beside one key`, unit: 'ms' }, reads, {
              floors: [oneKey],
              goal: 1.25 * oneKey,
            }),
          );
      }
      return rows;
    } finally {
      await connection.close();
    }
  },
};

async function known(broker: IdentityBroker, key: string): Promise<Awaited<ReturnType<IdentityBroker['callerOfCredential']>>['caller']> {
  const { caller } = await broker.callerOfCredential('key', key);
  await caller.tokenFor('registry');
  return caller;
}

async function eachOf(keys: readonly string[], work: (key: string) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: makersAtOnce }, async () => {
      while (next < keys.length) await work(keys[next++]!);
    }),
  );
}

async function makeKeys(stack: RunningStack, count: number): Promise<string[]> {
  const admin = await stack.key();
  const made: string[] = [];
  await eachOf(
    Array.from({ length: count }, (_, index) => `bench-${index}`),
    async (name) => {
      const response = await fetch(`${stack.url}/api/v1/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name, roles: ['viewer'] }),
      });
      if (response.status !== 201) throw new Error(`a key was not made: ${response.status} ${await response.text()}`);
      made.push(((await response.json()) as { key: string }).key);
    },
  );
  return made;
}

/**
 * One read of an agent after the other, each by the next key. All keys are in use: each has just made a request that is not counted, many at once, so that the
 * first is still known (identities live for a minute) when the last has come. Those that came last go first.
 */
async function readP50(stack: RunningStack, keys: readonly string[], samples: number): Promise<number> {
  const agents = [makersAtOnce, 1].map((maxSockets) => new Agent({ keepAlive: true, maxSockets }));
  const [many, one] = agents as [Agent, Agent];
  const read = (key: string, agent: Agent): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request(`${stack.url}/api/v1/agents/librarian`, { agent, headers: { authorization: `Bearer ${key}` } }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`the read was answered with ${response.statusCode}`));
        response.resume();
        response.once('end', resolve);
      });
      sent.once('error', reject).end();
    });
  try {
    await eachOf(keys, (key) => read(key, many));
    const times: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const from = performance.now();
      await read(keys.at(-1 - (sample % keys.length))!, one);
      times.push(performance.now() - from);
    }
    return median(times);
  } finally {
    for (const agent of agents) agent.destroy();
  }
}
