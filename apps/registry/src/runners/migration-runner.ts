import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { startChild, type Child, type ChildExit } from '@signalbox/supervisor/child.js';
import { childEnvironment } from '@signalbox/supervisor/environment.js';
import { LineRing, lineRingDefaults } from '@signalbox/supervisor/line-ring.js';
import type { DeploymentMemberSpec } from '../manifests/manifest.ts';
import { RegistryConfig } from '../registry.config.ts';

/** A migration that lasts longer needs `timeoutMs`. */
const timeoutMsDefault = 600_000;
const stopOptions = { inputMs: 0, graceMs: 6_000 };
/** Characters of a line of its output that are logged, and that a reason shows. */
const lineMax = 1_000;
const shownMax = 300;

/** A migration whose command is to be run. */
export interface MigrationOrder {
  deployment: { id: string; name: string; bearer: string };
  member: DeploymentMemberSpec & { command: string[] };
}

/** How a migration stands that was begun here. */
export type MigrationState = { state: 'running' } | { state: 'done' | 'failed'; note: string };

interface Migration {
  state: MigrationState;
  child: Child | null;
  /** Why it is to end, where that was said before there was a child to end. */
  stopped: string | null;
  ended: Promise<void>;
}

/** Runs the commands of migrations, each once for each time that it is begun. They end with this process, however it ends. */
@Injectable()
export class MigrationRunner {
  /** By deployment, then by member: what ended stays until it is begun again or its deployment is let go. */
  private readonly migrations = new Map<string, Map<string, Migration>>();

  constructor(
    private readonly bus: Bus,
    private readonly config: RegistryConfig,
    private readonly secrets: SecretReader,
  ) {}

  /** Begins a run; one that is still going is ended first, so that no two write at once. */
  async begin(order: MigrationOrder): Promise<void> {
    const { id } = order.deployment;
    await this.stop(id, 'it is begun anew', order.member.name);
    const migration: Migration = { state: { state: 'running' }, child: null, stopped: null, ended: Promise.resolve() };
    migration.ended = this.run(order, migration).then((state) => {
      migration.state = state;
    });
    const ofDeployment = this.migrations.get(id) ?? new Map<string, Migration>();
    this.migrations.set(id, ofDeployment.set(order.member.name, migration));
  }

  /** Null: it was not begun by this process. */
  stateOf(deployment: string, member: string): MigrationState | null {
    return this.migrations.get(deployment)?.get(member)?.state ?? null;
  }

  /** Ends what runs of a deployment, or of one member. Settles when no child is left. */
  async stop(deployment: string, because: string, member?: string): Promise<void> {
    const ofDeployment = this.migrations.get(deployment);
    if (ofDeployment === undefined) return;
    const stopped = [...ofDeployment].filter(([name]) => member === undefined || name === member);
    await Promise.all(stopped.map(([, migration]) => this.end(migration, because)));
    for (const [name, migration] of stopped) if (ofDeployment.get(name) === migration) ofDeployment.delete(name);
    if (ofDeployment.size === 0) this.migrations.delete(deployment);
  }

  /** Ends everything, as this process is about to end. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.migrations.keys()].map((deployment) => this.stop(deployment, 'the registry stops')));
  }

  private async end(migration: Migration, because: string): Promise<void> {
    migration.stopped ??= because;
    await migration.child?.stop({ ...stopOptions, because });
    await migration.ended;
  }

  private async run(order: MigrationOrder, migration: Migration): Promise<MigrationState> {
    const { member } = order;
    const fields = { deployment: order.deployment.name, member: member.name };
    const timeoutMs = member.timeoutMs ?? timeoutMsDefault;
    try {
      const env = await this.envOf(order);
      if (migration.stopped !== null) return { state: 'failed', note: migration.stopped };
      const begunAt = performance.now();
      const child = await startChild(
        { command: member.command, cwd: resolve(this.config.runnerCwd, member.cwd ?? '.'), env },
        { onStderrLine: (line) => log.info('a migration writes to stderr', { ...fields, line: withoutSecrets(line).slice(0, lineMax) }) },
      );
      migration.child = child;
      if (migration.stopped !== null) void child.stop({ ...stopOptions, because: migration.stopped });
      log.info('a migration was started', { ...fields, pid: child.pid });
      const stdout = new LineRing({
        ...lineRingDefaults,
        onLine: (line) => log.info('a migration writes to stdout', { ...fields, line: withoutSecrets(line).slice(0, lineMax) }),
      });
      stdout.follow(child.stdout);
      const timer = setTimeout(() => void child.stop({ ...stopOptions, because: `it took longer than ${timeoutMs} ms` }), timeoutMs);
      const exit = await child.exited.finally(() => clearTimeout(timer));
      return stateAfter(exit, (performance.now() - begunAt) / 1_000, child.stderr.lines);
    } catch (thrown) {
      return {
        state: 'failed',
        note: `its command could not be started: ${thrown instanceof Fault ? thrown.detail : (thrown as Error).message}`,
      };
    }
  }

  private async envOf({ deployment, member }: MigrationOrder): Promise<Record<string, string>> {
    const filled = await this.secrets.fillAll(await this.bus.as(deployment.bearer), member.env ?? {});
    return childEnvironment({
      from: { PATH: this.config.path },
      home: tmpdir(),
      extra: {
        ...filled,
        SIGNALBOX_URL: this.config.signalboxUrl,
        ...(this.config.nodeExtraCaCerts && { NODE_EXTRA_CA_CERTS: this.config.nodeExtraCaCerts }),
        SIGNALBOX_DEPLOYMENT: deployment.name,
      },
    });
  }
}

function stateAfter({ code, signal, because }: ChildExit, seconds: number, stderr: readonly string[]): MigrationState {
  if (because === null && code === 0) return { state: 'done', note: `its command ended well after ${seconds.toFixed(1)} s` };
  const how = because ?? (code === null ? `it was ended by ${signal}` : `its command ended with ${code}`);
  const last = stderr.findLast((line) => line.trim() !== '');
  return { state: 'failed', note: last === undefined ? how : `${how}; it said: ${withoutSecrets(last).slice(0, shownMax)}` };
}
