import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { secretNamesIn } from '@signalbox/shared/secrets/secret-reference.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { SupervisorError, type ChildSpec } from '@signalbox/supervisor/child-spec.js';
import type { Child } from '@signalbox/supervisor/child.js';
import { childEnvironment } from '@signalbox/supervisor/environment.js';
import { LineRing, lineRingDefaults } from '@signalbox/supervisor/line-ring.js';
import { WatchedChild, type WatchState } from '@signalbox/supervisor/watch-child.js';
import { AgentHealth } from '../agents/agent-health.ts';
import { InstanceStore } from '../instances/instance.store.ts';
import type { WorkerSpec } from '../manifests/manifest.ts';
import { RegistryConfig } from '../registry.config.ts';
import { ProcessStore, type ProcessRow } from './process.store.ts';
import { endWorkerKey, makeWorkerKey, renewAfterMs, type WorkerKey } from './worker-key.ts';

/** A worker drains on SIGTERM; what it cannot finish by then is tried again elsewhere. */
const stopOptions = { inputMs: 0, graceMs: 6_000 };
/** Lines of a worker's output that one log line shows. */
const lineMax = 1_000;

/** An agent of a deployment whose processes are to be up. */
export interface WorkerOrder {
  workspace: string;
  deployment: string;
  /** Its name in the deployment. */
  agent: string;
  registered: { id: string; name: string; version: number; hash: string };
  worker: WorkerSpec;
  grant: string;
}

/** How the processes of an agent stand. */
export interface WorkerState {
  running: number;
  wanted: number;
  /** The name of each instance that runs. */
  instances: string[];
  /** Why the runner has given up on one. */
  failure?: string;
  /** Why one is not up for the moment. */
  trouble?: string;
}

interface Slot {
  order: WorkerOrder;
  slot: number;
  child: WatchedChild;
  instance: string;
  key: WorkerKey | null;
  /** Monotonic: when the key was made. */
  keyAt: number;
  stderr: string[];
  /** Writes about the slot happen one after another. */
  writing: Promise<void>;
}

/** Starts workers as child processes and keeps them up; they end with this process, however it ends. */
@Injectable()
export class LocalRunner {
  private readonly slots = new Map<string, Slot>();

  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly processes: ProcessStore,
    private readonly instances: InstanceStore,
    private readonly health: AgentHealth,
    private readonly config: RegistryConfig,
    private readonly secrets: SecretReader,
  ) {}

  /** Has exactly the wanted processes up, of the wanted version; those of another version are replaced. Says how they stand. */
  async ensure(order: WorkerOrder): Promise<WorkerState> {
    const wanted = order.worker.replicas ?? 1;
    for (const slot of this.slotsOf(order.deployment, order.agent)) {
      const isOld = slot.order.registered.version !== order.registered.version;
      if (isOld || slot.slot >= wanted) await this.end(slot, 'it is replaced');
    }
    for (let slot = 0; slot < wanted; slot++) {
      if (!this.slots.has(slotKey(order, slot))) this.begin(order, slot);
    }
    return this.look(order);
  }

  /** Agents of a deployment, by their names in it, that have processes here. */
  agentsOf(deployment: string): string[] {
    return [...new Set(this.slotsOf(deployment).map(({ order }) => order.agent))];
  }

  /** Tries again what was given up. */
  async retry(deployment: string): Promise<void> {
    for (const slot of this.slotsOf(deployment)) if (slot.child.state.status === 'failed') await slot.child.start();
  }

  /** Ends all processes of a deployment, or of one of its agents, in order, and takes their keys back. Settles when no child is left. */
  async stop(deployment: string, because: string, agent?: string): Promise<void> {
    await Promise.all(this.slotsOf(deployment, agent).map((slot) => this.end(slot, because)));
  }

  /** Ends everything, as this process is about to end: keys are taken back by who brings the deployments up next. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.slots.values()].map((slot) => slot.child.stop({ ...stopOptions, because: 'the registry stops' })));
    this.slots.clear();
  }

  private look(order: WorkerOrder): WorkerState {
    const slots = this.slotsOf(order.deployment, order.agent);
    const states = slots.map((slot) => ({ slot, state: slot.child.state }));
    const running = states.filter(({ state }) => state.status === 'running');
    const failed = states.find(({ state }) => state.status === 'failed');
    const waiting = states.find(({ state }) => state.status === 'waiting');
    return {
      running: running.length,
      wanted: order.worker.replicas ?? 1,
      instances: running.map(({ slot }) => slot.instance),
      ...(failed && { failure: reasonOf(failed.slot, failed.state) }),
      ...(waiting && { trouble: reasonOf(waiting.slot, waiting.state) }),
    };
  }

  private slotsOf(deployment: string, agent?: string): Slot[] {
    return [...this.slots.values()].filter(
      ({ order }) => order.deployment === deployment && (agent === undefined || order.agent === agent),
    );
  }

  private begin(order: WorkerOrder, number: number): void {
    const slot: Slot = {
      order,
      slot: number,
      instance: '',
      key: null,
      keyAt: 0,
      stderr: [],
      writing: Promise.resolve(),
      child: new WatchedChild({
        spec: () => this.specOf(slot),
        onState: (state) => this.onState(slot, state),
        onChild: (child) => this.listen(slot, child),
        onStderrLine: (line) => {
          slot.stderr = [...slot.stderr.slice(-4), line];
          log.info('a worker writes to stderr', {
            agent: order.registered.name,
            instance: slot.instance,
            line: withoutSecrets(line).slice(0, lineMax),
          });
        },
      }),
    };
    this.slots.set(slotKey(order, number), slot);
    void slot.child.start();
  }

  /** Before every start: a name of its own for the new process, a key if it has none, both written down before anything runs. */
  private async specOf(slot: Slot): Promise<ChildSpec> {
    const { order } = slot;
    const { workspace, deployment, agent, registered, worker } = order;
    slot.instance = `${registered.name.slice(0, 40)}-${slot.slot}-${randomBytes(4).toString('hex')}`;
    await this.renewKey(slot);
    const row: Omit<ProcessRow, 'failure'> = {
      workspace,
      deployment,
      agent,
      slot: slot.slot,
      registered_agent: registered.name,
      instance: slot.instance,
      api_key_id: slot.key!.id,
      hash: registered.hash,
    };
    await this.db.inWorkspace(workspace, async (tx) => {
      await this.processes.put(tx, row);
      await this.health.refresh(tx, registered.name);
    });
    const cwd = resolve(this.config.runnerCwd, worker.cwd ?? '.');
    return {
      command: worker.command ?? [],
      cwd,
      env: childEnvironment({
        from: { PATH: this.config.path },
        home: tmpdir(),
        extra: {
          ...(await this.filledEnv(order)),
          SIGNALBOX_URL: this.config.signalboxUrl,
          ...(this.config.nodeExtraCaCerts && { NODE_EXTRA_CA_CERTS: this.config.nodeExtraCaCerts }),
          SIGNALBOX_API_KEY: slot.key!.key,
          SIGNALBOX_AGENT: registered.name,
          SIGNALBOX_AGENT_VERSION: String(registered.version),
          SIGNALBOX_INSTANCE: slot.instance,
        },
      }),
    };
  }

  /** Its variables, with the values that secrets have now. A missing one is no reason to try again: its being set is. */
  private async filledEnv({ worker: { env = {} }, grant }: WorkerOrder): Promise<Record<string, string>> {
    if (!Object.values(env).some((text) => secretNamesIn(text).length > 0)) return env;
    try {
      return await this.secrets.fillAll(await this.bus.as(grant), env);
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'invalid') throw new SupervisorError('refused', thrown.detail);
      throw thrown;
    }
  }

  /** Starts the processes anew that are given the secret; each drains first. */
  onSecretChanged(workspace: string, secret: string): void {
    for (const slot of this.slots.values()) {
      const { order } = slot;
      const isGiven = Object.values(order.worker.env ?? {}).some((text) => secretNamesIn(text).includes(secret));
      if (order.workspace === workspace && isGiven) this.write(slot, () => this.renew(slot, `its secret ${secret} was changed`));
    }
  }

  /** How the process behind an instance stands; null: it is not one of those that run here. */
  stateOf(workspace: string, agent: string, instance: string): 'running' | 'ended' | null {
    const slot = this.find(workspace, agent, instance);
    if (slot === undefined) return null;
    return slot.child.state.status === 'running' ? 'running' : 'ended';
  }

  /** Takes the key of the process behind an instance back, ends it and starts another in its place. Settles when that is under way. */
  async replace(workspace: string, agent: string, instance: string, because: string): Promise<void> {
    const slot = this.find(workspace, agent, instance);
    if (slot === undefined) return;
    const { key } = slot;
    slot.key = null;
    if (key) await endWorkerKey(this.bus, slot.order.grant, key.id);
    this.write(slot, () => this.renew(slot, because));
    await slot.writing;
  }

  private find(workspace: string, agent: string, instance: string): Slot | undefined {
    return [...this.slots.values()].find(
      ({ order, instance: name }) => name === instance && order.registered.name === agent && order.workspace === workspace,
    );
  }

  private async renew(slot: Slot, because: string): Promise<void> {
    const { instance, order, slot: number } = slot;
    await slot.child.stop({ ...stopOptions, because });
    await this.markGone(order, instance, because, false);
    if (this.slots.get(slotKey(order, number)) === slot) await slot.child.start();
  }

  /** A new key where there is none or it ends soon. */
  private async renewKey(slot: Slot): Promise<void> {
    const { grant, registered } = slot.order;
    if (slot.key && performance.now() - slot.keyAt < renewAfterMs) return;
    if (slot.key) await endWorkerKey(this.bus, grant, slot.key.id);
    slot.key = await makeWorkerKey(this.bus, grant, registered, `${registered.name}-${slot.slot}`);
    slot.keyAt = performance.now();
  }

  private listen(slot: Slot, child: Child): void {
    slot.stderr = [];
    const fields = { agent: slot.order.registered.name, instance: slot.instance };
    log.info('a worker was started', { ...fields, pid: child.pid });
    const ring = new LineRing({
      ...lineRingDefaults,
      onLine: (line) => log.info('a worker writes to stdout', { ...fields, line: withoutSecrets(line).slice(0, lineMax) }),
    });
    ring.follow(child.stdout);
  }

  private onState(slot: Slot, state: WatchState): void {
    if (state.status !== 'waiting' && state.status !== 'failed') return;
    const { instance } = slot;
    const reason = reasonOf(slot, state);
    log.warn('a worker ended', { agent: slot.order.registered.name, instance, reason, status: state.status });
    this.write(slot, async () => {
      await this.markGone(slot.order, instance, reason, true, state.status === 'failed' ? { slot: slot.slot, failure: reason } : undefined);
    });
  }

  private async end(slot: Slot, because: string): Promise<void> {
    const { order, slot: number } = slot;
    this.slots.delete(slotKey(order, number));
    await slot.child.stop({ ...stopOptions, because });
    await slot.writing;
    await this.db.inWorkspace(order.workspace, (tx) => this.processes.remove(tx, order.deployment, { agent: order.agent, slot: number }));
    await this.markGone(order, slot.instance, because, false);
    if (slot.key) await endWorkerKey(this.bus, order.grant, slot.key.id);
  }

  private async markGone(
    order: WorkerOrder,
    instance: string,
    reason: string,
    isLost: boolean,
    failed?: { slot: number; failure: string },
  ): Promise<void> {
    const { workspace, deployment, agent, registered } = order;
    await this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM agent WHERE name = $1 FOR UPDATE`, [registered.name]);
      await this.instances.leave(tx, registered.name, instance, reason, isLost);
      if (!isLost) await this.instances.forgetLosses(tx, registered.name);
      if (failed) await this.processes.setFailure(tx, { deployment, agent, slot: failed.slot }, failed.failure);
      await this.health.refresh(tx, registered.name);
    });
  }

  private write(slot: Slot, work: () => Promise<void>): void {
    slot.writing = slot.writing
      .then(work)
      .catch((err: unknown) => log.warn('the end of a worker was not written', { instance: slot.instance, err }));
  }
}

function slotKey(order: Pick<WorkerOrder, 'deployment' | 'agent'>, slot: number): string {
  return `${order.deployment} ${order.agent} ${slot}`;
}

/** Why it ended, with the last thing that it said. */
function reasonOf({ stderr }: Slot, state: WatchState): string {
  const last = stderr.findLast((line) => line.trim() !== '');
  const reason = state.reason ?? 'it ended';
  return last === undefined ? reason : `${reason}; it said: ${withoutSecrets(last).slice(0, 300)}`;
}
