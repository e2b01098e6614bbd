import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { encodeCursor } from '@signalbox/shared/bus/page.js';
import { listAgents, type ListAgentsRequest } from '@signalbox/shared/contracts/registry/list-agents.js';
import { listInstances, type ListInstancesRequest } from '@signalbox/shared/contracts/registry/list-instances.js';
import { measured, median, type Bench, type Measurement } from '../measurement.ts';
import { processorTimeOf } from '../processor-time.ts';
import { Fleet, heartbeatMs } from './fleet.ts';

const agents = 10_000;
const instancesEach = 5;
const nodes = 5_000;

/** Pages as people look at them: the first, one in the middle, by what is rare, by a word. */
const agentPages: ListAgentsRequest[] = [
  { limit: 50 },
  { limit: 200, cursor: encodeCursor(['agent-005000']) },
  { status: 'degraded', limit: 50 },
  { status: 'failed', limit: 50 },
  { q: '0099', limit: 50 },
  { q: 'nobody', limit: 50 },
  { labels: ['team=t7'], limit: 50 },
];
const instancePages: ListInstancesRequest[] = [
  { limit: 50 },
  { limit: 200, cursor: encodeCursor(['agent-005000', 'i-3']) },
  { agent: 'agent-009999' },
  { status: 'gone', limit: 50 },
  { q: 'nobody', limit: 50 },
];

/** What a large fleet takes: its beats, its lists, and the critical path of a large deployment. */
export const registryBench: Bench = {
  name: 'registry',
  async run({ rounds, isSmoke }) {
    const fleet = await Fleet.create(agents, instancesEach);
    const seen = { ours: [] as number[], floor: [] as number[] };
    const pages = { agents: [] as number[], instances: [] as number[] };
    const rows = { agents: [] as number[], instances: [] as number[] };
    const samples = isSmoke ? 5 : 30;
    const database = new pg.Client({ connectionString: fleet.database.url('system') });
    const paths: number[] = [];
    try {
      await database.connect();
      await fleet.beat();
      await sleep(2 * heartbeatMs); // what it costs to start is not meant
      for (let round = 0; round < rounds; round++) {
        const forMs = isSmoke ? 2 * heartbeatMs : 6 * heartbeatMs;
        const [ours, floor] = await Promise.all([shareOfCore(fleet.pids.ours, forMs), shareOfCore(fleet.pids.floor, forMs)]);
        seen.ours.push(ours);
        seen.floor.push(floor);
        pages.agents.push(await pageMs(agentPages, samples, (request) => fleet.bus.request(listAgents, request)));
        pages.instances.push(await pageMs(instancePages, samples, (request) => fleet.bus.request(listInstances, request)));
        rows.agents.push(await pageMs(['SELECT * FROM agent ORDER BY name LIMIT 51'], samples, (text) => database.query(text)));
        const instancesPage = 'SELECT * FROM instance ORDER BY agent, instance LIMIT 51';
        rows.instances.push(await pageMs([instancesPage], samples, (text) => database.query(text)));
        paths.push(await criticalPathMs());
      }
      fleet.stopBeats();
    } finally {
      await database.end();
      await fleet.stop();
    }
    const row = (what: string, unit: string): Pick<Measurement, 'bench' | 'what' | 'unit'> => ({ bench: 'registry', what, unit });
    return [
      measured(row('50,000 instances that beat every 5 s, CPU of the registry', '% of a core'), seen.ours, {
        floors: seen.floor,
        goal: 50,
      }),
      measured(row('a page of 10,000 agents meanwhile, slowest kind, p50', 'ms'), pages.agents, { floors: rows.agents, goal: 50 }),
      measured(row('a page of 50,000 instances meanwhile, slowest kind, p50', 'ms'), pages.instances, { floors: rows.instances, goal: 50 }),
      measured(row('critical path of 5,000 agents, CPU', 'ms'), paths, { goal: 100 }),
    ];
  },
};

async function shareOfCore(pid: number, forMs: number): Promise<number> {
  const [from, before] = [performance.now(), await processorTimeOf(pid)];
  await sleep(forMs);
  return (100 * ((await processorTimeOf(pid)) - before)) / (performance.now() - from);
}

/** The slowest kind of page counts. */
async function pageMs<Request>(
  requests: readonly Request[],
  samples: number,
  ask: (request: Request) => Promise<unknown>,
): Promise<number> {
  const kinds: number[] = [];
  for (const request of requests) {
    const times: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const from = performance.now();
      await ask(request);
      times.push(performance.now() - from);
    }
    kinds.push(median(times));
  }
  return Math.max(...kinds);
}

interface CriticalPathModule {
  criticalPathOf(work: readonly { name: string; days: number; needs: string[] }[]): unknown;
}

async function criticalPathMs(): Promise<number> {
  const file = new URL('../../../apps/registry/dist/deployments/critical-path.js', import.meta.url);
  const { criticalPathOf } = (await import(file.href)) as CriticalPathModule;
  const work = Array.from({ length: nodes }, (_, index) => ({
    name: `agent-${index}`,
    days: (index % 7) / 2,
    needs: index === 0 ? [] : [`agent-${Math.floor(index / 2)}`, `agent-${index - 1}`],
  }));
  const times: number[] = [];
  for (let sample = 0; sample < 20; sample++) {
    const before = process.cpuUsage();
    criticalPathOf(work);
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000);
  }
  return median(times);
}
