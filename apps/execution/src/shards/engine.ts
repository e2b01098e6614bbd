import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { shardsTaken } from '@signalbox/shared/contracts/execution/shards-taken.js';
import { shardOfUuid } from '@signalbox/shared/contracts/execution/task-id.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Lease, leaseMs, type Owned } from '@signalbox/shared/shards/lease.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { isTracing, recordSpan } from '@signalbox/shared/telemetry/tracing.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { addLine } from '@signalbox/workflow/core/attempt-log.js';
import { openEffects } from '@signalbox/workflow/core/restore.js';
import type { Effect, RunEvent, Transition } from '@signalbox/workflow/core/events.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import { AgentDirectory } from '../dispatch/agent-directory.ts';
import { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Said } from '../dispatch/failovers.ts';
import type { OpenTask } from '../dispatch/open-task.ts';
import { ExecutionConfig } from '../execution.config.ts';
import { AboveBudgets } from '../budgets/above-budgets.ts';
import { BudgetAsks } from '../budgets/budget-asks.ts';
import { BudgetLedger } from '../budgets/budget-ledger.ts';
import { ModelPrices } from '../budgets/model-prices.ts';
import { Days } from '../journal/days.ts';
import { faultOfHalt } from '../journal/halt.ts';
import { Journal } from '../journal/journal.ts';
import { RunEvents } from '../runs/run-events.ts';
import { InstanceTally } from '../telemetry/instance-tally.ts';
import { KpiTally } from '../telemetry/kpi-tally.ts';
import { RunMetrics } from '../telemetry/run-metrics.ts';
import { spansOf } from '../telemetry/run-spans.ts';
import { Alarm } from '../timers/alarm.ts';
import { Definitions } from '../workflows/definitions.ts';
import { Children } from './children.ts';
import { Crashes } from './crashes.ts';
import { Culprit } from './culprit.ts';
import { isBusy, refusalOf, type Pressure } from './admission.ts';
import { Owner } from './owner.ts';
import { anotherHasIt, type LiveRun } from './live-run.ts';
import { Recovery } from './recover.ts';
import { Told } from './told.ts';
import { Resting } from './resting.ts';
import { Waking } from './waking.ts';

const inboxMs = 1_000;
const reachMs = 250;
const lookMs = 50;
const inboxChunk = 200;
/** How long a shard that goes to another waits for what is being written. */
const settleMs = 1_000;
/** A replica that has no shard yet has some after this. */
const readyMs = 2_000;

/** Between looks at whether all owners have told what their runs hold. */
const toldMs = 250;

interface ReadyShard {
  deafen: () => Promise<void>;
  /** Until when its queues wait, and since when it is here, on the monotonic clock. */
  heldUntil: number;
  takenAt: number;
  /** Not all owners have told what their runs hold of its limits. */
  isBarred: boolean;
}

/** The engine as a whole: who owns what, what lives, what is written, what is sent out. */
@Injectable()
export class Engine implements OnApplicationBootstrap, OnModuleDestroy {
  readonly owner: Owner;
  readonly dispatcher: Dispatcher;
  readonly events: RunEvents;
  private readonly tally: InstanceTally;
  readonly agents: AgentDirectory;
  private readonly journal: Journal;
  private readonly alarm: Alarm;
  private readonly lease: Lease;
  private readonly culprit = new Culprit();
  private readonly crashes: Crashes;
  private readonly recovery: Recovery;
  private readonly days: Days;
  readonly children: Children;
  private readonly resting: Resting;
  private readonly waking: Waking;
  /** Runs that are being loaded. */
  private readonly loading = new Map<string, Promise<boolean>>();
  private readonly told: Told;
  /** Shards whose runs are loaded and that are heard here. */
  private readonly ready = new Map<number, ReadyShard>();
  private isLifting = false;
  /** How many times shards are being taken in now. */
  private opening = 0;
  private inboxTimer: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    private readonly bus: Bus,
    private readonly system: SystemDatabase,
    private readonly config: ExecutionConfig,
    definitions: Definitions,
    metrics: RunMetrics,
    kpis: KpiTally,
    prices: ModelPrices,
    above: AboveBudgets,
    ledger: BudgetLedger,
    outbox: Outbox,
  ) {
    const url = config.systemDatabaseUrl;
    this.lease = new Lease('execution', url, {
      taken: (owned) => this.take(owned),
      release: (shards) => this.release(shards),
      lost: (shards) => this.drop(shards),
      resumed: () => this.resume(),
      moved: (shards) => this.dispatcher.moved(new Set(shards)),
    });
    this.journal = new Journal(
      url,
      () => this.lease.owner,
      () => this.lease.mayAct(),
    );
    this.alarm = new Alarm(() => this.lease.mayAct());
    this.owner = new Owner(this.journal, this.alarm, this.culprit, (shard) => this.lease.epochOf(shard));
    this.agents = new AgentDirectory(bus);
    this.dispatcher = new Dispatcher(bus, this.owner, this.alarm, this.agents, {
      mayAct: () => this.lease.mayAct(),
      owns: (shard) => this.ready.has(shard),
      heldUntil: (shard) => this.ready.get(shard)?.heldUntil ?? 0,
      isOpening: () => this.opening > 0,
      arePlacesKnown: (shard) => this.ready.get(shard)?.isBarred !== true,
      takenAt: (shard) => this.ready.get(shard)?.takenAt ?? performance.now(),
      reach: (uuid, event) => void this.reach(uuid, event),
      handed: (task, version) => kpis.handed(task, version),
      accepted: (task, ms) => kpis.accepted(task, ms),
    });
    this.events = new RunEvents(bus, system, outbox);
    this.tally = new InstanceTally(bus);
    this.crashes = new Crashes(system);
    this.recovery = new Recovery(system, this.owner, definitions, this.culprit, this.crashes, {
      broke: (uuid) => void this.broke(uuid),
      setAside: (uuid) => this.dispatcher.limitedRuns.left(uuid),
    });
    this.told = new Told(system, () => this.lease.owner);
    this.days = new Days(system, config.runKeepDays);
    this.children = new Children(system, this.owner, definitions, prices, above, this.dispatcher.limitedRuns, (run) => this.adopt(run));
    this.resting = new Resting(this.owner, this.children, () => this.lease.mayAct());
    this.waking = new Waking(system, {
      shards: () => (isBusy(this.pressure()) || !this.lease.mayAct() ? [] : [...this.ready.keys()]),
      isLive: (uuid) => this.owner.find(uuid) !== undefined,
      load: (ids) => this.wake(ids),
    });
    const uncounted: { run: LiveRun; transitions: readonly Transition[] }[] = [];
    const count = (): void => {
      for (const { run, transitions } of uncounted.splice(0)) {
        this.owner.guarded(run, () => {
          metrics.committed(run, transitions);
          this.tally.committed(run, transitions);
          // What only might have been is no figure of what is.
          if (run.state.counterfactual === undefined) kpis.committed(run, transitions);
          if (isTracing()) spansOf(run, transitions).forEach(recordSpan);
        });
      }
    };
    const asks = new BudgetAsks(this.owner, ledger);
    this.owner.connect({
      dispatch: (run, effect) => {
        if (run.state.counterfactual === undefined) kpis.dispatched(run, effect);
        this.dispatcher.dispatch(run, effect);
      },
      attemptEnded: (run, effect) => this.dispatcher.attemptEnded(run, effect),
      logOf: (run, ref) => this.dispatcher.logOf(run, ref),
      enter: (run, effect) => this.dispatcher.limitedRuns.enter(run, effect),
      seek: (run, effect) => this.dispatcher.failovers.seek(run, effect),
      startChild: (run, effect) => this.children.start(run, effect),
      wantBudget: (run, scope) => asks.ask(run, scope),
      ended: (run) => {
        this.dispatcher.limitedRuns.left(run.uuid);
        // Where it fails, the ledger finds it by itself.
        void ledger.settle(run.uuid, run.state).catch((err: unknown) => log.warn('a run is settled later', { run: run.id, err }));
      },
      announced: (run, seq, transitions) => this.events.announce(run, seq, transitions),
      published: (run, seq, transitions) => {
        this.events.committed(run, seq, transitions);
        // Counted when what the commit lets out has left, which is at the end of this turn of the event loop.
        if (uncounted.push({ run, transitions }) === 1) setImmediate(() => setImmediate(count));
      },
      eventsOf: (run, transitions, approvals) => this.events.eventsOf(run, transitions, approvals),
      idled: (run) => this.resting.noticed(run),
      reach: (uuid, event) => void this.reach(uuid, event),
      reload: (run) => void this.reload(run),
      broke: (run) => {
        this.dispatcher.drop(new Set([run]), () => false);
        void this.broke(run.uuid);
      },
    });
  }

  onApplicationBootstrap(): void {
    this.culprit.start(this.config.systemDatabaseUrl, this.lease.owner);
    void this.join();
    this.inboxTimer = setInterval(() => void this.readInbox(), inboxMs);
    this.resting.start();
    this.waking.start();
    void this.days.start().catch((err: unknown) => log.error('the days of the journal were not made', { err }));
  }

  /** What has begun is written, then the shards are given back. */
  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.inboxTimer);
    this.resting.stop();
    this.waking.stop();
    this.days.stop();
    await this.deafen([...this.ready.keys()]);
    this.owner.flushSoft();
    this.dispatcher.stop();
    await Promise.race([this.journal.stop(), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
    this.owner.drop(
      [...this.owner.all()],
      new Fault('unavailable', 'execution is stopping', 'Try again in a moment.', { service: 'execution', retryAfterMs: 1_000 }),
    );
    this.alarm.stop();
    await this.lease.stop();
    this.tally.stop();
    await this.culprit.stop();
    await this.events.stop();
  }

  /**
   * A shard for a new run, one of ours: then its start needs no hop. Throws `unavailable` or `limited` where a start would only wait; of
   * workspaces that make others wait first.
   */
  async shardForStart(workspace: string): Promise<number> {
    const { halted } = this.journal;
    if (halted !== undefined) throw faultOfHalt(halted);
    if (this.ready.size === 0) await this.untilReady(readyMs).catch(() => undefined);
    if (this.ready.size === 0) {
      throw new Fault('unavailable', 'no owner of runs is ready yet', 'Try again in a moment.', {
        service: 'execution',
        retryAfterMs: 1_000,
      });
    }
    const refusal = refusalOf(this.pressure(workspace), () => this.journal.waitingOf(workspace));
    if (refusal) throw refusal;
    const shards = [...this.ready.keys()];
    return shards[Math.floor(Math.random() * shards.length)] as number;
  }

  /** `waitMs` is a workspace's own: what of others waits is not in front of it. */
  private pressure(workspace?: string): Pressure {
    return { live: this.owner.size, waiting: this.journal.waiting, waitMs: this.journal.waitMs(workspace) };
  }

  /** A run that lives in a shard of ours, loaded if it rests; undefined for all others. */
  async find(uuid: string): Promise<LiveRun | undefined> {
    if (!this.owner.find(uuid) && !this.owner.findEnded(uuid) && this.ready.has(shardOfUuid(uuid))) await this.adopt(uuid);
    return this.owner.find(uuid);
  }

  /** As `Owner.deliver`, also to a run that rests. */
  async deliver(uuid: string, event: RunEvent): ReturnType<Owner['deliver']> {
    await this.find(uuid);
    return this.owner.deliver(uuid, event);
  }

  /** Aborted when the service begins to stop. */
  async draining(): Promise<AbortSignal> {
    return (await this.bus.server).draining;
  }

  /** Whether its lease was renewed lately: else another may own its runs by now, and what is in memory may be old. */
  get mayAct(): boolean {
    return this.lease.mayAct();
  }

  /** Whether this replica owns shards and has loaded their runs: it can start some. */
  get isReady(): boolean {
    return this.ready.size > 0;
  }

  /** One shard of each other replica that lives. */
  get peers(): number[] {
    return this.lease.peers;
  }

  /** Whether this replica owns the shard and has loaded its runs. */
  owns(shard: number): boolean {
    return this.ready.has(shard);
  }

  /** Resolves when this process owns shards and has loaded their runs. */
  async untilReady(timeoutMs = 10_000): Promise<void> {
    for (const until = performance.now() + timeoutMs; this.ready.size === 0; await new Promise((resolve) => setTimeout(resolve, 10))) {
      if (performance.now() > until) throw new Error('no shard was taken in time');
    }
  }

  /** Tells who follows the run what an executor says it is at, and keeps it for whoever looks later. */
  progress(
    task: string | undefined,
    principal: string | undefined,
    { message, fraction, partial }: { message: string | undefined } & Omit<Said, 'message'>,
  ): void {
    const open = task !== undefined && message !== undefined ? this.dispatcher.heldBy(task, principal) : undefined;
    if (open?.phase !== 'running' || message === undefined) return;
    const line = { at: Math.round(now()), message, ...(fraction !== undefined && { fraction }) };
    open.log = addLine(open.log, line);
    this.events.progress(open.run, open.key, open.ref.n, open.target, open.instance, line);
    this.dispatcher.failovers.say(open, { message, fraction, partial });
  }

  private async take(owned: readonly Owned[]): Promise<void> {
    this.opening++;
    try {
      await this.open(owned);
    } finally {
      this.opening--;
    }
  }

  private async open(owned: readonly Owned[]): Promise<void> {
    const { fenced, missed } = await this.recovery.loadShards(owned);
    const resting = await this.recovery.restingPlaces(owned);
    this.dispatcher.limitedRuns.know(resting);
    // What was taken from us meanwhile is another's.
    const ours = owned.filter(({ shard, epoch }) => this.lease.epochOf(shard) === epoch && !this.isStopping).map(({ shard }) => shard);
    await this.hear(ours);
    const mine = new Set(ours);
    const kept = fenced.filter(({ facts }) => mine.has(facts.shard));
    this.owner.drop(
      fenced.filter(({ facts }) => !mine.has(facts.shard)),
      anotherHasIt(),
    );
    this.dispatcher.moved(mine);
    this.dispatcher.limitedRuns.drop((shard) => this.lease.epochOf(shard) === undefined);
    this.dispatcher.limitedRuns.tell(resting);
    const adopted = kept.flatMap((run) => this.openAgain(run));
    for (const uuid of missed) await this.adopt(uuid);
    await this.cancelOrphans(kept);
    if (fenced.length > 0) log.info('runs taken over', { runs: fenced.length, tasks: adopted.length });
    await this.readInbox();
    void this.sayTold(owned);
    void this.dispatcher.askAfter(adopted);
    if (ours.length > 0) this.bus.publishLive(shardsTaken, { shards: ours }, { workspace: '', entity: this.lease.owner });
  }

  private async join(): Promise<void> {
    for (let isIn = false; !isIn && !this.isStopping;) {
      try {
        await this.told.join();
        isIn = true;
      } catch (err) {
        log.warn('this replica is not known yet: it is tried again', { err });
        await sleep(toldMs);
      }
    }
    if (!this.isStopping) this.lease.start();
  }

  /** What the runs of these shards hold of limits is said: once it is heard, that is written. */
  private async sayTold(owned: readonly Owned[]): Promise<void> {
    const ours = (): Owned[] => owned.filter(({ shard, epoch }) => this.lease.epochOf(shard) === epoch);
    while (!this.isStopping && ours().length > 0) {
      try {
        await this.dispatcher.heard();
        return await this.told.say(ours());
      } catch (err) {
        log.warn('that places of limits were told is written later', { err });
        await sleep(toldMs);
      }
    }
  }

  /** Limits of shards that were taken give no places before all owners have told who holds some. */
  private async liftBars(): Promise<void> {
    if (this.isLifting) return;
    this.isLifting = true;
    for (let barred = this.barred(); barred.length > 0 && !this.isStopping; barred = this.barred()) {
      const due = barred.filter(({ heldUntil }) => heldUntil <= performance.now());
      try {
        if (due.length > 0 && (await this.told.areAll())) for (const ready of due) ready.isBarred = false;
      } catch (err) {
        log.warn('whether all places of limits are told is looked at later', { err });
      }
      await sleep(toldMs);
    }
    this.isLifting = false;
  }

  private barred(): ReadyShard[] {
    return [...this.ready.values()].filter(({ isBarred }) => isBarred);
  }

  /** Shards that belong with another replica: what is being written is, then nothing of them is here. */
  private async release(shards: readonly number[]): Promise<void> {
    await this.deafen(shards);
    const runs = this.runsOf(shards);
    this.owner.flushSoft();
    const settled = Promise.allSettled(runs.map((run) => run.settle()));
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, settleMs).unref())]);
    this.letGo(shards);
  }

  private drop(shards: readonly number[]): void {
    void this.deafen(shards);
    this.letGo(shards);
  }

  private letGo(shards: readonly number[]): void {
    const gone = new Set(shards);
    const runs = this.runsOf(shards);
    this.dispatcher.drop(new Set(runs), (shard) => gone.has(shard));
    this.owner.drop(runs, anotherHasIt());
  }

  private runsOf(shards: readonly number[]): LiveRun[] {
    const wanted = new Set(shards);
    return [...this.owner.all()].filter(({ facts }) => wanted.has(facts.shard));
  }

  /** Runs whose parents ended while nobody could tell them: their work is nobody's. */
  private async cancelOrphans(runs: readonly LiveRun[]): Promise<void> {
    const parents = new Set(runs.flatMap(({ facts: { parent } }) => (parent !== null && !this.owner.find(parent) ? [parent] : [])));
    if (parents.size === 0) return;
    const rows: { run_id: string }[] = await this.system.source.query(
      `SELECT run_id FROM run WHERE run_id = ANY($1::uuid[]) AND status <> 'running'`,
      [[...parents]],
    );
    const ended = new Set(rows.map(({ run_id }) => run_id));
    for (const run of runs) {
      const { parent } = run.facts;
      if (parent !== null && ended.has(parent)) this.owner.feed(run, { type: 'cancel', by: `its parent ${fromUuid('run', parent)}` });
    }
  }

  /** Does again what may not have been done after the last commit. Returns the tasks that were under way. */
  private openAgain(run: LiveRun): OpenTask[] {
    const adopted: OpenTask[] = [];
    this.owner.guarded(run, () => {
      this.owner.watch(run);
      const rest: Effect[] = [];
      for (const effect of openEffects(run.state)) {
        const isRunning = effect.e === 'dispatch' && unitOf(run.state, effect.s, effect.i)?.status === 'running';
        if (isRunning) adopted.push(this.dispatcher.adopt(run, effect));
        else if (effect.e === 'dispatch') this.dispatcher.dispatch(run, effect, true);
        else rest.push(effect);
      }
      this.owner.perform(run, rest);
    });
    return adopted;
  }

  private async reload(run: LiveRun): Promise<void> {
    try {
      this.dispatcher.drop(new Set([run]), () => false);
      if (!run.isUnborn) await this.adopt(run.uuid);
    } catch (err) {
      log.error('a run was not loaded again', { run: run.id, err });
    }
  }

  /** What handles a run failed. It is counted, and the run loaded again: one that does so again and again is set aside then. */
  private async broke(uuid: string): Promise<void> {
    const shard = shardOfUuid(uuid);
    for (let isCounted = false; !this.isStopping && this.lease.epochOf(shard) !== undefined; await sleep(reachMs)) {
      try {
        if (!isCounted) await this.crashes.add(uuid);
        isCounted = true;
        // While its shard is being taken, it has to wait until that is done.
        if (this.ready.has(shard) && (await this.adopt(uuid))) return;
      } catch (err) {
        log.warn('a run that failed is loaded again later', { run: fromUuid('run', uuid), err });
      }
    }
  }

  /**
   * Does what a person says of a run that was set aside: it goes on, or it has failed. Resolves once that is recorded, with false where it was not set aside
   * any more. `unavailable` where another owner has it.
   */
  async releaseRun(uuid: string, event: RunEvent & { type: 'release' | 'abandon' }): Promise<boolean> {
    const shard = shardOfUuid(uuid);
    const epoch = this.lease.epochOf(shard);
    if (epoch === undefined || !this.ready.has(shard) || !this.lease.mayAct()) throw anotherHasIt();
    const run = await this.recovery.loadAside(uuid, epoch, event.type === 'release');
    if (run === null || (await this.owner.deliver(uuid, event)) !== 'taken') return false;
    await this.crashes.forget(uuid);
    if (event.type === 'release') {
      // From its journal, which says whether it can be loaded now.
      this.owner.drop([run], anotherHasIt());
      await this.adopt(uuid);
    }
    return true;
  }

  /** What one run says to another that may rest. */
  private async reach(uuid: string, event: RunEvent): Promise<void> {
    const shard = shardOfUuid(uuid);
    while (this.ready.has(shard)) {
      try {
        await this.deliver(uuid, event);
        return;
      } catch (err) {
        log.debug('a run is told again', { run: fromUuid('run', uuid), err });
        await sleep(reachMs);
      }
    }
  }

  /** Loads runs that rest and are due. */
  private async wake(ids: readonly string[]): Promise<number> {
    const { fenced } = await this.recovery.loadRuns(ids, (shard) => this.lease.epochOf(shard));
    for (const run of fenced) this.openAgain(run);
    return fenced.length;
  }

  /** Loads a run that lives and is not here. False: it is another's. */
  private adopt(uuid: string): Promise<boolean> {
    const loading =
      this.loading.get(uuid) ??
      this.adoptOnce(uuid).finally(() => {
        this.loading.delete(uuid);
      });
    this.loading.set(uuid, loading);
    return loading;
  }

  private async adoptOnce(uuid: string): Promise<boolean> {
    const shard = shardOfUuid(uuid);
    // After a gap of our own, the next look says whose the shard is.
    while (this.ready.has(shard) && !this.lease.mayAct()) await sleep(lookMs);
    const epoch = this.lease.epochOf(shard);
    if (epoch === undefined || !this.ready.has(shard)) return false;
    if (this.owner.find(uuid)) return true;
    const run = await this.recovery.loadOne(uuid, epoch);
    if (run === null) return true;
    this.openAgain(run);
    await this.cancelOrphans([run]);
    return true;
  }

  private resume(): void {
    this.dispatcher.resume();
    this.alarm.ring();
  }

  private async hear(shards: readonly number[]): Promise<void> {
    const server = await this.bus.server;
    // Other replicas have tasks in these queues that are not known here yet; alone, all is known.
    const heldUntil = this.lease.isAlone ? 0 : performance.now() + leaseMs;
    const takenAt = performance.now();
    const isBarred = !this.lease.isAlone;
    for (const shard of shards) this.ready.set(shard, { deafen: server.hearShard(shard), heldUntil, takenAt, isBarred });
    void this.liftBars();
    await this.bus.connection.flush();
  }

  private async deafen(shards: readonly number[]): Promise<void> {
    const ready = shards.flatMap((shard) => this.ready.get(shard) ?? []);
    for (const shard of shards) this.ready.delete(shard);
    await Promise.all(ready.map(({ deafen }) => deafen()));
  }

  /** What was left for runs while nobody owned them. */
  private async readInbox(): Promise<void> {
    if (this.ready.size === 0) return;
    try {
      const rows: { run_id: string; id: string; event: string }[] = await this.system.source.query(
        `SELECT run_id, id, event FROM inbox i WHERE shard = ANY($1)
            AND NOT EXISTS (SELECT 1 FROM run WHERE run.run_id = i.run_id AND status = 'running' AND reason = 'quarantined')
          ORDER BY created_at LIMIT $2`,
        [[...this.ready.keys()], inboxChunk],
      );
      const told: string[] = [];
      for (const { run_id, id, event } of rows) {
        if ((await this.deliver(run_id, JSON.parse(event) as RunEvent)) !== undefined) told.push(id);
      }
      if (rows.length === 0) return;
      // What is kept was left for a run that lives and could not be loaded.
      await this.system.source.query(
        `DELETE FROM inbox WHERE id = ANY($1::uuid[])
            AND (id = ANY($2::uuid[]) OR NOT EXISTS (SELECT 1 FROM run WHERE run.run_id = inbox.run_id AND status = 'running'))`,
        [rows.map(({ id }) => id), told],
      );
    } catch (err) {
      log.warn('the inbox was not read', { err });
    }
  }
}
