import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { acceptTask } from '@signalbox/shared/contracts/execution/accept-task.js';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { beatTasks } from '@signalbox/shared/contracts/execution/beat-tasks.js';
import { beatWork } from '@signalbox/shared/contracts/execution/beat-work.js';
import { completeTask } from '@signalbox/shared/contracts/execution/complete-task.js';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { shardCount } from '@signalbox/shared/contracts/execution/task-id.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { openEffects } from '../core/restore.ts';
import type { Effect, RunEvent } from '../core/events.ts';
import { unitOf } from '../core/state.ts';
import { AgentDirectory } from '../dispatch/agent-directory.ts';
import { Dispatcher } from '../dispatch/dispatcher.ts';
import type { OpenTask } from '../dispatch/open-task.ts';
import { ExecutionConfig } from '../execution.config.ts';
import { Days } from '../journal/days.ts';
import { Journal } from '../journal/journal.ts';
import { RunEvents } from '../runs/run-events.ts';
import { Alarm } from '../timers/alarm.ts';
import { Definitions } from '../workflows/definitions.ts';
import { Children } from './children.ts';
import { Lease } from './lease.ts';
import { liveMax, Owner } from './owner.ts';
import type { LiveRun } from './live-run.ts';
import { Recovery } from './recover.ts';

const shardContracts = [acceptTask, beatTasks, completeTask, acceptWork, beatWork, completeWork];
const inboxMs = 1_000;
const inboxChunk = 200;
/** Past these, starts are refused before memory grows: rows that wait for a commit, and how long commits take. */
const waitingMax = 20_000;
const latencyMaxMs = 5_000;

/** The engine as a whole: who owns what, what lives, what is written, what is sent out. */
@Injectable()
export class Engine implements OnApplicationBootstrap, OnModuleDestroy {
  readonly owner: Owner;
  readonly dispatcher: Dispatcher;
  readonly events: RunEvents;
  readonly agents: AgentDirectory;
  private readonly journal: Journal;
  private readonly alarm: Alarm;
  private readonly lease: Lease;
  private readonly recovery: Recovery;
  private readonly days: Days;
  readonly children: Children;
  private deaf: (() => void)[] = [];
  private inboxTimer: NodeJS.Timeout | undefined;
  private isOwner = false;

  constructor(
    private readonly bus: Bus,
    private readonly system: SystemDatabase,
    config: ExecutionConfig,
    definitions: Definitions,
  ) {
    const url = config.systemDatabaseUrl;
    this.lease = new Lease(url, {
      taken: (owned) => this.take(Math.max(...owned.map(({ epoch }) => epoch))),
      lost: () => this.lose(),
      resumed: () => this.resume(),
    });
    this.journal = new Journal(url, () => `${this.lease.owner}:${this.lease.epoch}`);
    this.alarm = new Alarm(() => this.lease.mayAct());
    this.owner = new Owner(this.journal, this.alarm);
    this.agents = new AgentDirectory(bus);
    this.dispatcher = new Dispatcher(bus, this.owner, this.alarm, this.agents, () => this.lease.mayAct());
    this.events = new RunEvents(bus, system);
    this.recovery = new Recovery(system, this.owner, definitions);
    this.days = new Days(system, config.runKeepDays);
    this.children = new Children(system, this.owner, definitions, (run) => this.adopt(run));
    this.owner.connect({
      dispatch: (run, effect) => this.dispatcher.dispatch(run, effect),
      attemptEnded: (run, effect) => this.dispatcher.attemptEnded(run, effect),
      startChild: (run, effect) => this.children.start(run, effect),
      published: (run, seq, transitions) => this.events.committed(run, seq, transitions),
      eventsOf: (run, transitions) => this.events.eventsOf(run, transitions),
      reload: (run) => void this.reload(run),
    });
  }

  onApplicationBootstrap(): void {
    this.lease.start();
    this.inboxTimer = setInterval(() => void this.readInbox(), inboxMs);
    void this.days.start().catch((err: unknown) => log.error('the days of the journal were not made', { err }));
  }

  /** What has begun is written, then the shards are given back. */
  async onModuleDestroy(): Promise<void> {
    clearInterval(this.inboxTimer);
    this.days.stop();
    this.hearNothing();
    this.isOwner = false;
    this.owner.flushSoft();
    this.dispatcher.stop();
    await Promise.race([this.journal.stop(), new Promise((resolve) => setTimeout(resolve, 5_000).unref())]);
    this.owner.dropAll(
      new Fault('unavailable', 'execution is stopping', 'Try again in a moment.', { service: 'execution', retryAfterMs: 1_000 }),
    );
    this.alarm.stop();
    await this.lease.stop();
    await this.events.stop();
  }

  /** Throws `unavailable` or `limited` where a start would only wait. */
  requireRoom(): void {
    const { waiting, latencyMs, isAway } = this.journal.pressure;
    if (!this.isOwner || isAway) {
      const why = isAway ? 'the journal’s database cannot be reached' : 'no owner of runs is ready yet';
      throw new Fault('unavailable', why, 'Try again in a moment.', { service: isAway ? 'postgresql' : 'execution', retryAfterMs: 1_000 });
    }
    if (this.owner.size < liveMax && waiting < waitingMax && latencyMs < latencyMaxMs) return;
    throw new Fault('limited', `${this.owner.size} runs are under way and ${waiting} changes wait to be written`, 'Try again later.', {
      retryAfterMs: 2_000,
    });
  }

  /** Aborted when the service begins to stop. */
  async draining(): Promise<AbortSignal> {
    return (await this.bus.server).draining;
  }

  /** Whether its lease was renewed lately: else another may own its runs by now, and what is in memory may be old. */
  get mayAct(): boolean {
    return this.lease.mayAct();
  }

  get isReady(): boolean {
    return this.isOwner;
  }

  /** Resolves when this process owns the shards and has loaded their runs. */
  async untilReady(timeoutMs = 10_000): Promise<void> {
    for (const until = performance.now() + timeoutMs; !this.isOwner; await new Promise((resolve) => setTimeout(resolve, 10))) {
      if (performance.now() > until) throw new Error('the shards were not taken in time');
    }
  }

  /** Tells who follows the run what an executor says it is at. */
  progress(task: string | undefined, principal: string | undefined, message: string | undefined, fraction: number | undefined): void {
    const open = task !== undefined && message !== undefined ? this.dispatcher.heldBy(task, principal) : undefined;
    if (open?.phase !== 'running') return;
    this.events.progress(open.run, open.key, open.ref.n, open.target, open.instance, message as string, fraction);
  }

  private async take(epoch: number): Promise<void> {
    const loaded = await this.recovery.loadAll(epoch);
    this.isOwner = true;
    await this.hearShards();
    const adopted = loaded.flatMap((run) => this.openAgain(run));
    if (loaded.length > 0) log.info('runs taken over', { runs: loaded.length, tasks: adopted.length });
    await this.readInbox();
    void this.dispatcher.askAfter(adopted);
  }

  /** Does again what may not have been done after the last commit. Returns the tasks that were under way. */
  private openAgain(run: LiveRun): OpenTask[] {
    this.owner.watch(run);
    const adopted: OpenTask[] = [];
    const rest: Effect[] = [];
    for (const effect of openEffects(run.state)) {
      const isRunning = effect.e === 'dispatch' && unitOf(run.state, effect.s, effect.i)?.status === 'running';
      if (isRunning) adopted.push(this.dispatcher.adopt(run, effect));
      else rest.push(effect);
    }
    this.owner.perform(run, rest);
    return adopted;
  }

  private async reload(run: LiveRun): Promise<void> {
    try {
      this.dispatcher.drop(run);
      if (!run.isUnborn) await this.adopt(run.uuid);
    } catch (err) {
      log.error('a run was not loaded again', { run: run.id, err });
    }
  }

  private async adopt(uuid: string): Promise<void> {
    if (!this.isOwner || this.owner.find(uuid)) return;
    const run = await this.recovery.loadOne(uuid, this.lease.epoch);
    if (run) this.openAgain(run);
  }

  private lose(): void {
    this.isOwner = false;
    this.hearNothing();
    this.dispatcher.clear();
    this.owner.dropAll(
      new Fault('unavailable', 'another owner has taken the run', 'Try again in a moment.', { service: 'execution', retryAfterMs: 500 }),
    );
    this.owner.reopen();
  }

  private resume(): void {
    this.dispatcher.resume();
    this.alarm.ring();
  }

  private async hearShards(): Promise<void> {
    const server = await this.bus.server;
    if (!this.isOwner || this.deaf.length > 0) return;
    for (let shard = 0; shard < shardCount; shard++) {
      for (const contract of shardContracts) this.deaf.push(server.hearShard(contract, shard));
    }
    await this.bus.connection.flush();
  }

  private hearNothing(): void {
    for (const stop of this.deaf.splice(0)) stop();
  }

  /** What was left for runs while nobody owned them. */
  private async readInbox(): Promise<void> {
    if (!this.isOwner) return;
    try {
      const rows: { run_id: string; id: string; event: string }[] = await this.system.source.query(
        `SELECT run_id, id, event FROM inbox ORDER BY created_at LIMIT $1`,
        [inboxChunk],
      );
      for (const { run_id, event } of rows) await this.owner.deliver(run_id, JSON.parse(event) as RunEvent);
      if (rows.length > 0) await this.system.source.query(`DELETE FROM inbox WHERE id = ANY($1::uuid[])`, [rows.map(({ id }) => id)]);
    } catch (err) {
      log.warn('the inbox was not read', { err });
    }
  }
}
