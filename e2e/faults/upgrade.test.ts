import { execFileSync } from 'node:child_process';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { withClient } from '@signalbox/stack/database/connect.js';
import { owningServices, schemaOf } from '@signalbox/stack/database/services.js';
import { testCase } from '../cases/case.ts';
import { ServersUnderTest } from '../servers-under-test.ts';
import { StackUnderTest, until } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import { Load } from './load.ts';

/** A clone of an older version, installed and built. */
const oldVersion = process.env['SIGNALBOX_OLD_VERSION']!;
/** How long each state of the installation is under load. */
const stateMs = 8_000;
const progressMaxMs = 5_000;

/** What stands before the gateways of an installation: new connections go to the one that it is told of. */
class Balancer implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private target = 0;
  private readonly server = createServer((outside) => {
    const inside = connect(this.target, '127.0.0.1');
    for (const [one, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      this.sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  to({ port }: StackUnderTest): void {
    this.target = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

testCase(
  'F23',
  'an old version under load is replaced by this one, which runs beside it for a while, and comes back in the same way',
  async (happened) => {
    await using servers = await ServersUnderTest.start();
    await using balancer = new Balancer();
    const host = await balancer.listen();
    const env = { ...servers.environment, ALLOWED_HOSTS: host };
    await using old = await StackUnderTest.create(env, oldVersion);
    await using today = await StackUnderTest.create(env);
    const seen = new Map<string, number>();
    const count = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);
    const told = (): string => [...seen].map(([what, times]) => `${times} × ${what}`).join(', ') || 'nothing';

    const version = execFileSync('git', ['-C', oldVersion, 'log', '-1', '--format=%h of %cs'], { encoding: 'utf8' }).trim();
    const since = Date.now();
    await old.start('--no-example');
    balancer.to(old);
    await today.adopt(old.data);
    const apiKey = await old.adminKey();
    const url = `http://${host}`;
    const client = async (): Promise<SignalboxClient> => new SignalboxClient({ url, apiKey, fetch: counting });
    const counting: typeof fetch = async (...args) => {
      try {
        const answer = await fetch(...args);
        if (answer.status >= 500) count(`${answer.status}${answer.headers.has('retry-after') ? ' with Retry-After' : ''}`);
        return answer;
      } catch (error) {
        count('connection that ended');
        throw error;
      }
    };
    await using load = await Load.on({ client, url, adminKey: () => Promise.resolve(apiKey) });
    // Begun by the old version, and told something by each of both that follow.
    await load.client.workflows.apply({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: 'patient' },
      spec: {
        steps: { forward: { wait: { signal: 'forward' } }, back: { wait: { signal: 'back' }, needs: ['forward'] } },
        outputs: '${{ [steps.forward.output, steps.back.output] }}',
      },
    } as never);
    const { id } = await load.client.workflows.start('patient');
    await load.begin();
    await sleep(stateMs);
    const sql = async (text: string): Promise<number> =>
      withClient(servers.cluster.url('agents'), async (database) => (await database.query<{ n: number }>(text)).rows[0]!.n);
    const migrations = (): Promise<number> =>
      sql(
        `SELECT sum(n)::int AS n FROM (${owningServices.map((service) => `SELECT count(*) AS n FROM ${schemaOf(service)}.schema_migration`).join(' UNION ALL ')}) AS each`,
      );
    const owners = (): Promise<number> =>
      sql(`SELECT count(DISTINCT owner)::int AS n FROM execution.shard JOIN execution.replica USING (owner) WHERE lease_until > now()`);
    const before = await migrations();

    for (const [way, from, to] of [
      ['forward', old, today],
      ['back', today, old],
    ] as const) {
      const started = load.runs.length;
      await to.start('--no-example');
      balancer.to(to);
      await until('both have shards', async () => (await owners()) === 2);
      await sleep(stateMs);
      const beside = load.runs.length - started;
      const at = Date.now();
      expect(await from.stop('SIGTERM')).toBe(0);
      const progressMs = await load.progressAfter(at, 30_000);
      await load.client.runs.signal(id, way, way);
      await sleep(stateMs);
      happened(
        `${way}: ${beside} runs were started while both ran, and ${load.runs.length - started - beside} after the other had ended; then progress came after ${progressMs} ms`,
      );
      expect(progressMs).toBeLessThanOrEqual(progressMaxMs);
    }
    expect(await load.client.runs.result(id)).toMatchObject({ status: 'succeeded', output: ['forward', 'back'] });
    const runs = await load.end();
    happened(`the old version is ${version}: ${(await migrations()) - before} migrations were applied while it ran`);
    happened(
      `${runs} runs ended with the right output, and one that waited all the time; of requests that failed and were repeated, clients saw ${told()}`,
    );
    await old.allUp();
    happened(await expectVerified(old, since));
    expect([...seen.keys()].filter((what) => !/^(?:503 with|connection)/.test(what))).toEqual([]);
    expect(await old.stop()).toBe(0);
  },
  400_000,
);
