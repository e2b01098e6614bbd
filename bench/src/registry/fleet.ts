import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { beatInstances, type BeatInstancesRequest } from '@signalbox/shared/contracts/registry/beat-instances.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { defaultWorkspace } from '@signalbox/testkit/test-issuer.js';
import { ensureTestRoles, startTestPostgres } from '@signalbox/testkit/test-postgres.js';
import { startBareNats } from '../bare-nats.ts';

const registry = new URL('../../../apps/registry/', import.meta.url);
export const heartbeatMs = 5_000;
/** As often as the gateway tells beats. */
const gatherMs = 500;
const rounds = heartbeatMs / gatherMs;

type Say = (shard: number, request: BeatInstancesRequest) => Promise<{ unknown: string[] }>;

/** The registry as a process of its own, full of agents and of instances that beat, and beside it a process that hears as much and does nothing. */
export class Fleet {
  private turn = 0;
  private beating: NodeJS.Timeout | undefined;
  private failed = 0;

  private constructor(
    readonly bus: TestBus,
    readonly database: TestDatabase,
    private readonly postgres: Awaited<ReturnType<typeof startTestPostgres>>,
    private readonly folder: string,
    private readonly child: ChildProcess,
    private readonly bare: { nats: Awaited<ReturnType<typeof startBareNats>>; child: ChildProcess; connection: NatsConnection },
    /** Identifiers by shard. */
    private readonly shards: Map<number, string[]>,
  ) {}

  static async create(agents: number, instancesEach: number): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
    await chmod(folder, 0o755); // PostgreSQL runs as another user, who must reach it
    const postgres = await startTestPostgres(folder, { durable: true });
    await ensureTestRoles(postgres.url());
    const database = await TestDatabase.create('registry', postgres.url());
    await database.migrate(await loadMigrations(fileURLToPath(new URL('dist/migrations', registry))));
    await fill(database, agents, instancesEach);
    const bus = await TestBus.start();
    const child = spawn(process.execPath, [fileURLToPath(new URL('dist/main.js', registry))], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        DATABASE_URL: database.url('request'),
        SYSTEM_DATABASE_URL: database.url('system'),
        NATS_URL: bus.url,
        NATS_CREDS: bus.credsFile('registry'),
        MANAGEMENT_PORT: '0',
        HEARTBEAT_MS: String(heartbeatMs),
        LOG_LEVEL: 'warn',
      },
    });
    const rows = await database.sql<{ id: string; shard: number }>(`SELECT id, shard FROM instance ORDER BY agent, instance`);
    const shards = new Map<number, string[]>();
    for (const { id, shard } of rows) shards.set(shard, [...(shards.get(shard) ?? []), fromUuid('instance', id)]);
    const nats = await startBareNats(folder);
    const hearer = fork(fileURLToPath(new URL('./bare-hearer.js', import.meta.url)), [nats.url, 'beats.*']);
    await once(hearer, 'message');
    const bare = { nats, child: hearer, connection: await connect({ servers: nats.url }) };
    return new Fleet(bus, database, postgres, folder, child, bare, shards);
  }

  /** The registry's process, and the one that does nothing. */
  get pids(): { ours: number; floor: number } {
    return { ours: this.child.pid as number, floor: this.bare.child.pid as number };
  }

  /** Every instance beats from now on, evenly over the time between its beats; resolves once all are known. The process that does nothing hears the same. */
  async beat(): Promise<void> {
    const gateway = await this.bus.as('api-gateway');
    const ours: Say = (shard, request) => gateway.request(beatInstances, request, 'service', { shard });
    for (const shard of this.shards.keys()) await heard(ours, shard, this.shards.get(shard)!);
    const floor: Say = async (shard, request) => {
      const answer = await this.bare.connection.request(`beats.${shard}`, JSON.stringify(request), { timeout: 2_000 });
      return answer.json();
    };
    this.beating = setInterval(() => this.round([ours, floor]), gatherMs);
  }

  /** Ends beats; throws when some were not heard, or somebody was not known. */
  stopBeats(): void {
    clearInterval(this.beating);
    if (this.failed > 0) throw new Error(`${this.failed} messages of beats were not heard, or named instances that are not known`);
  }

  private round(hearers: readonly Say[]): void {
    const turn = this.turn++;
    for (const [shard, ids] of this.shards) {
      const due = ids.filter((_, index) => index % rounds === turn % rounds);
      if (due.length === 0) continue;
      for (const say of hearers) {
        say(shard, requestOf(due, turn)).then(
          ({ unknown }) => (this.failed += unknown.length > 0 ? 1 : 0),
          () => this.failed++,
        );
      }
    }
  }

  async stop(): Promise<void> {
    this.bare.child.kill('SIGKILL');
    await this.bare.connection.close();
    await this.bare.nats[Symbol.asyncDispose]();
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
    await this.bus[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
    await this.postgres.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A tenth of them has another number of tasks than before. */
function requestOf(ids: string[], turn: number): BeatInstancesRequest {
  const busy = Math.floor(turn / rounds);
  return { ids, inFlight: ids.map((_, index) => ((index + busy) % 10 === 0 ? 1 : 0)), ageMs: ids.map((_, index) => index % gatherMs) };
}

/** Until the shard has an owner. */
async function heard(say: Say, shard: number, ids: string[]): Promise<void> {
  for (const end = performance.now() + 60_000; ; await sleep(100)) {
    try {
      const { unknown } = await say(shard, requestOf(ids, 0));
      if (unknown.length === 0) return;
    } catch (thrown) {
      if (performance.now() > end) throw thrown;
    }
    if (performance.now() > end) throw new Error(`instances of shard ${shard} are not known to the registry`);
  }
}

async function fill(database: TestDatabase, agents: number, instancesEach: number): Promise<void> {
  const name = `'agent-' || lpad(n::text, 6, '0')`;
  const manifest = `jsonb_build_object('apiVersion', 'signalbox.dev/v1', 'kind', 'Agent', 'metadata', jsonb_build_object('name', ${name}),
    'spec', jsonb_build_object('kind', 'worker'))`;
  await database.sql(
    `INSERT INTO agent (workspace, name, id, kind, description, labels, skills, search, version, hash, event_version, status)
     SELECT $1, ${name}, gen_random_uuid(), 'worker', 'Reads what it is given.', jsonb_build_object('team', 't' || n % 50), '[]', ${name} || ' reads', 1,
       'sha256:' || repeat('0', 64), 1, CASE WHEN n % 100 = 0 THEN 'degraded' ELSE 'healthy' END FROM generate_series(1, $2::int) AS n`,
    [defaultWorkspace, agents],
  );
  await database.sql(
    `INSERT INTO agent_version (workspace, agent, version, hash, manifest, created_by)
     SELECT $1, a.id, 1, a.hash, ${manifest}, 'user_bench' FROM generate_series(1, $2::int) AS n JOIN agent AS a ON a.name = ${name}`,
    [defaultWorkspace, agents],
  );
  await database.sql(
    `INSERT INTO instance (workspace, agent, instance, id, status, capacity, in_flight, runner, event_version)
     SELECT $1, name, 'i-' || i, gen_random_uuid(), 'live', 4, 0, 'external', 1 FROM agent, generate_series(1, $2::int) AS i`,
    [defaultWorkspace, instancesEach],
  );
  await database.sql('ANALYZE');
}
