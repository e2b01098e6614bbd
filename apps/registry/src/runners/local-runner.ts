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
import { candidateSlots } from '../rollouts/process-changes.ts';
import { drainMsDefault } from '../scaling/scale.ts';
import { ProcessStore, type ProcessRow } from './process.store.ts';
import { endWorkerKey, makeWorkerKey, renewAfterMs, type WorkerKey } from './worker-key.ts';

/** A worker drains on SIGTERM; what it cannot finish by then is tried again elsewhere. */
const stopOptions = { inputMs: 0, graceMs: 6_000 };
/** After the time for its last tasks, for their results. */
const lastWordMs = 2_000;
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
  /** Settles when it has ended for good; null: it is not to end. */
  ending: Promise<void> | null;
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

  /** Has exactly the wanted processes up, of the wanted version; those of another version are replaced, but for those that are rolled out. Says how they stand. */
  async ensure(order: WorkerOrder): Promise<WorkerState> {
    const wanted = order.worker.replicas ?? 1;
    for (const slot of this.activeSlots(order)) {
      if (slot.order.registered.version !== order.registered.version) await this.end(slot, 'it is replaced');
    }
    for (const slot of this.activeSlots(order).slice(wanted)) await this.end(slot, 'it is replaced');
    this.fill(order);
    return this.look(order);
  }

  /** Has as many processes as wanted from now on: more begin at once; those that are too many finish what they have in hand, for so long, and end. */
  scale(order: WorkerOrder, drainMs: number, because: string): void {
    for (const slot of this.activeSlots(order).slice(order.worker.replicas ?? 1)) {
      this.end(slot, `fewer are needed: ${because}`, drainMs + lastWordMs).catch((err: unknown) =>
        log.warn('the end of a worker was not written', { instance: slot.instance, err }),
      );
    }
    this.fill(order);
  }

  /** How many processes of an agent run here, those that finish their last tasks included. */
  countOf(deployment: string, agent: string): number {
    return this.slotsOf(deployment, agent).length;
  }

  /** Begins what is missing, in the lowest places that are free. */
  private fill(order: WorkerOrder): void {
    let missing = (order.worker.replicas ?? 1) - this.activeSlots(order).length;
    for (let slot = 0; missing > 0; slot++) {
      if (this.slots.has(slotKey(order, slot))) continue;
      this.begin(order, slot);
      missing--;
    }
  }

  /** Agents of a deployment, by their names in it, that have processes here. */
  agentsOf(deployment: string): string[] {
    return [...new Set(this.slotsOf(deployment).map(({ order }) => order.agent))];
  }

  /** The name that an agent of a deployment is registered by, where it has processes here. */
  registeredOf(deployment: string, agent: string): string | undefined {
    return this.slotsOf(deployment, agent)[0]?.order.registered.name;
  }

  /** The processes of an agent of a deployment, those of versions that are rolled out too. */
  processesOf(deployment: string, agent: string): { slot: number; version: number; instance: string; isEnding: boolean }[] {
    return this.slotsOf(deployment, agent).map(({ slot, order, instance, ending }) => ({
      ...{ slot, version: order.registered.version, instance },
      isEnding: ending !== null,
    }));
  }

  /** Starts one process more, in a slot that is free. */
  beginAt(order: WorkerOrder, slot: number): void {
    if (!this.slots.has(slotKey(order, slot))) this.begin(order, slot);
  }

  /** Ends one process, in order. */
  async endAt(deployment: string, agent: string, number: number, because: string): Promise<void> {
    const slot = this.slots.get(slotKey({ deployment, agent }, number));
    if (slot !== undefined) await this.end(slot, because);
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
    await Promise.all([...this.slots.values()].map((slot) => this.stopChild(slot)));
    this.slots.clear();
  }

  private async stopChild({ child }: Slot): Promise<void> {
    const because = 'the registry stops';
    const hurry = setTimeout(() => void child.child?.kill(because), stopOptions.graceMs);
    await child.stop({ ...stopOptions, because }).finally(() => clearTimeout(hurry));
  }

  private look(order: WorkerOrder): WorkerState {
    const slots = this.activeSlots(order);
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

  /** Those that are neither rolled out nor about to end, in order of their places. */
  private activeSlots({ deployment, agent }: Pick<WorkerOrder, 'deployment' | 'agent'>): Slot[] {
    return this.slotsOf(deployment, agent)
      .filter(({ slot, ending }) => slot < candidateSlots && ending === null)
      .sort((left, right) => left.slot - right.slot);
  }

  private begin(order: WorkerOrder, number: number): void {
    const slot: Slot = {
      ending: null,
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
          ...(worker.autoscale && { SIGNALBOX_DRAIN_MS: String(worker.autoscale.drainMs ?? drainMsDefault) }),
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
      ({ order, instance: name, ending }) =>
        ending === null && name === instance && order.registered.name === agent && order.workspace === workspace,
    );
  }

  private async renew(slot: Slot, because: string): Promise<void> {
    const { instance, order, slot: number } = slot;
    await slot.child.stop({ ...stopOptions, because });
    await this.markGone(order, instance, because, false);
    if (slot.ending === null && this.slots.get(slotKey(order, number)) === slot) await slot.child.start();
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

  /** Ends a process within the time. One that has more time already has no more than this from now on. */
  private async end(slot: Slot, because: string, graceMs = stopOptions.graceMs): Promise<void> {
    if (slot.ending === null) {
      slot.ending = this.endOnce(slot, because, graceMs).finally(() => this.slots.delete(slotKey(slot.order, slot.slot)));
      return slot.ending;
    }
    const hurry = setTimeout(() => void slot.child.child?.kill(because), graceMs);
    await slot.ending.finally(() => clearTimeout(hurry));
  }

  private async endOnce(slot: Slot, because: string, graceMs: number): Promise<void> {
    const { order, slot: number } = slot;
    await slot.child.stop({ ...stopOptions, graceMs, because });
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
