import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { beatWork, type BeatWorkRequest } from '@signalbox/shared/contracts/execution/beat-work.js';
import { completeWork, type CompleteWorkReply, type EndedWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { leaseTasks, type LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { agentQueueKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Instances } from './instances.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';

/** Workers beat this often; the run's owner gives up a task after three beats that did not come. */
export const heartbeatMs = 2_000;
/** How long one question for tasks waits. */
const leaseWaitMs = 25_000;
const retryMs = 250;
const retryMaxMs = 2_000;
/** Between attempts to deliver a result whose owner is away. */
const deliverAgainMs = 100;
/** A task that was begun without asking is told to its owner after this: short ones end before. */
const confirmMs = 50;
/** Attempts to accept a task while its owner cannot be reached; then the worker is told to drop it. */
const acceptAttempts = 4;

export interface SessionPorts {
  send(message: ToWorker): void;
  close(code: number, reason: string): void;
}

/** One worker on one connection: asks for tasks with what the worker can still take, and carries what it says to the tasks' owners. */
export class WorkerSession {
  private hello: (FromWorker & { type: 'hello' }) | null = null;
  private readonly held = new Set<string>();
  /** Of these, tasks that may begin without asking. */
  private readonly accepted = new Set<string>();
  /** Of these, tasks whose owner is yet to be told that they have come. */
  private readonly unconfirmed = new Set<string>();
  private readonly closed = new AbortController();
  private isDraining = false;
  private wake: (() => void) | undefined;
  /** The question for tasks that is open. */
  private asking = new AbortController();
  private wasOwnerAway = false;
  /** Changed when answers may be lost: what was offered in them is then offered again. */
  private session = randomUUID();

  constructor(
    private readonly bus: Bus,
    private readonly caller: Caller,
    private readonly instances: Instances,
    private readonly ports: SessionPorts,
  ) {}

  get isGreeted(): boolean {
    return this.hello !== null;
  }

  /** Takes one message in. Never rejects: what goes wrong is told to the worker. */
  async hear(message: FromWorker): Promise<void> {
    try {
      if (message.type === 'hello') return await this.greet(message);
      if (this.hello === null) return this.ports.close(1008, 'the first message must be hello');
      switch (message.type) {
        case 'accepted':
          return await this.accept(message.task);
        case 'beat':
          return await this.beat(message.tasks);
        case 'progress':
          return await this.progress(message);
        case 'complete':
          return await this.complete(message);
        case 'drain':
          return this.drain();
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** The connection is gone. Its tasks go on if the worker comes back in time. */
  close(): void {
    this.closed.abort();
    this.wake?.();
    const { hello } = this;
    if (hello === null) return;
    // What it had begun is lost with it and costs an attempt; without a word it would be given out as if nobody had had it.
    void this.confirm(this.unconfirmed).finally(() =>
      this.instances.left(this.caller, hello.agent, hello.instance, this.isDraining && this.held.size === 0),
    );
  }

  /** The bus or the owner of tasks was gone and is back: the answer to an open question for tasks may be lost, so it is asked again. */
  askAgain(): void {
    this.session = randomUUID();
    this.asking.abort();
  }

  /** As `askAgain`, where the agent's queue is in one of these shards. */
  askAgainOf(shards: ReadonlySet<number>): void {
    if (this.hello && shards.has(shardOfQueue(agentQueueKey(this.caller.workspace, this.hello.agent)))) this.askAgain();
  }

  private async greet(hello: FromWorker & { type: 'hello' }): Promise<void> {
    if (this.hello !== null) return this.ports.close(1008, 'hello was said before');
    this.hello = hello;
    await this.instances.came(this.caller, hello);
    if (this.closed.signal.aborted) return;
    this.ports.send({ type: 'welcome', instance: hello.instance, heartbeatMs });
    void this.leaseOn(hello).catch((thrown: unknown) => this.fail(thrown));
  }

  private async leaseOn({ agent, instance, capacity, skills, version }: FromWorker & { type: 'hello' }): Promise<void> {
    const { signal } = this.closed;
    let pause = retryMs;
    while (!signal.aborted && !this.isDraining) {
      const credit = capacity - this.held.size;
      if (credit <= 0) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      this.asking = new AbortController();
      try {
        const { tasks, cancelled } = await this.bus.request(
          leaseTasks,
          {
            ...{ agent, instance, credit, waitMs: leaseWaitMs, session: this.session },
            ...(skills.length > 0 && { skills }),
            ...(version !== undefined && { version }),
          },
          this.caller,
          { signal: AbortSignal.any([signal, this.asking.signal]), timeoutMs: leaseWaitMs + 5_000 },
        );
        pause = retryMs;
        this.cancel(cancelled);
        // With room for more it asks again at once, which says that they have come.
        this.take(tasks, capacity - this.held.size <= tasks.length);
      } catch (thrown) {
        if (signal.aborted) return;
        if (this.asking.signal.aborted) continue;
        const fault = Fault.from(thrown);
        if (!isPassing(fault)) throw thrown;
        await sleep(Math.max(pause, Math.min(retryMaxMs, fault.retryAfterMs ?? 0)), undefined, { signal }).catch(() => undefined);
        pause = Math.min(retryMaxMs, pause * 2);
      }
    }
  }

  private take(tasks: readonly LeasedTask[], isToConfirm: boolean): void {
    if (isToConfirm) this.confirmSoon(tasks.flatMap(({ task, isAccepted }) => (isAccepted ? [task] : [])));
    for (const { deadline, isAccepted, ...task } of tasks) {
      this.held.add(task.task);
      if (isAccepted) this.accepted.add(task.task);
      this.ports.send({ type: 'task', ...task, skill: task.skill ?? null, deadline: new Date(deadline).toISOString() });
    }
  }

  /** What the worker has begun without its owner being asked is told to that in a moment, unless it has ended by then. */
  private confirmSoon(tasks: readonly string[]): void {
    if (tasks.length === 0) return;
    for (const task of tasks) this.unconfirmed.add(task);
    setTimeout(() => void this.confirm(tasks), confirmMs).unref();
  }

  private async confirm(tasks: Iterable<string>): Promise<void> {
    const begun = [...tasks].filter((task) => this.unconfirmed.delete(task) && this.held.has(task) && !this.accepted.has(task));
    if (begun.length > 0) await this.tellOwners(begun).catch((thrown: unknown) => this.fail(thrown));
  }

  private async accept(task: string): Promise<void> {
    const instance = this.hello?.instance as string;
    this.held.add(task);
    if (this.accepted.delete(task)) return this.ports.send({ type: 'start', task });
    for (let attempt = 1; ; attempt++) {
      try {
        await this.ofOwner(this.bus.request(acceptWork, { task, instance }, this.caller, { shard: shardOfTask(task) }));
        this.ports.send({ type: 'start', task });
        return;
      } catch (thrown) {
        const fault = Fault.from(thrown);
        if (isPassing(fault) && attempt < acceptAttempts && !this.closed.signal.aborted) {
          await sleep(retryMs * attempt);
          continue;
        }
        return this.refuse(task, fault);
      }
    }
  }

  private async beat(tasks: readonly string[]): Promise<void> {
    const { agent, instance, capacity } = this.hello as FromWorker & { type: 'hello' };
    this.instances.beat(this.caller, { agent, instance, capacity, inFlight: tasks.length, isDraining: this.isDraining });
    // A worker that came back still has what it had: it counts against its capacity.
    for (const task of tasks) this.held.add(task);
    await this.tellOwners(tasks);
  }

  private async tellOwners(tasks: readonly string[]): Promise<void> {
    const instance = this.hello?.instance as string;
    const byShard = Map.groupBy(tasks, shardOfTask);
    await Promise.all(
      [...byShard].map(async ([shard, own]) => {
        for (let at = 0; at < own.length; at += 256) {
          await this.tellOwner(shard, { instance, tasks: own.slice(at, at + 256) });
        }
      }),
    );
  }

  private async progress({ type: _, task, ...said }: FromWorker & { type: 'progress' }): Promise<void> {
    const instance = this.hello?.instance as string;
    await this.tellOwner(shardOfTask(task), { instance, tasks: [task], ...said });
  }

  private async tellOwner(shard: number, body: BeatWorkRequest): Promise<void> {
    try {
      const { cancelled } = await this.ofOwner(this.bus.request(beatWork, body, this.caller, { shard }));
      this.cancel(cancelled);
    } catch (thrown) {
      // The next beat comes soon.
      if (!isPassing(Fault.from(thrown))) throw thrown;
    }
  }

  private cancel(tasks: readonly string[]): void {
    for (const task of tasks) {
      this.held.delete(task);
      this.accepted.delete(task);
      this.ports.send({ type: 'cancel', task, reason: 'nobody wants it any more' });
    }
    if (tasks.length > 0) this.wake?.();
  }

  private async complete({ type: _, task, ...result }: FromWorker & { type: 'complete' }): Promise<void> {
    const instance = this.hello?.instance as string;
    const shard = shardOfTask(task);
    const ended = { task, instance, ...result } as EndedWork;
    try {
      const { tasks = [] } = await this.deliver(ended, shard);
      this.done({ type: 'completed', task });
      this.take(tasks, true);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      // Without an answer the worker sends it again; a task that was to come with it is asked for again.
      if (isPassing(fault)) return this.askAgain();
      if (fault.code !== 'invalid') return this.refuse(task, fault);
      // A result that cannot be kept ends the attempt all the same, with why.
      const error = { code: 'invalid' as const, detail: `the result was refused: ${fault.detail}`, next: fault.next };
      await this.bus.request(completeWork, { task, instance, error }, this.caller, { shard });
      this.done({ type: 'completed', task });
    }
  }

  /** Tries until the worker sends it again by itself: a new owner is to have it at once. */
  private async deliver(ended: EndedWork, shard: number): Promise<CompleteWorkReply> {
    let knowsSessions = true;
    for (const end = performance.now() + heartbeatMs; ; await sleep(deliverAgainMs)) {
      try {
        const session = knowsSessions && !this.isDraining && { session: this.session };
        return await this.ofOwner(this.bus.request(completeWork, { ...ended, ...session }, this.caller, { shard }));
      } catch (thrown) {
        // An owner that is older than this gateway refuses what it does not know.
        if (Fault.from(thrown).code === 'invalid' && knowsSessions) knowsSessions = false;
        else if (Fault.from(thrown).code !== 'unavailable' || performance.now() > end || this.closed.signal.aborted) throw thrown;
      }
    }
  }

  /** What the owner of tasks answers. When it was away and is back, an open question for tasks was lost with it. */
  private async ofOwner<T>(answer: Promise<T>): Promise<T> {
    try {
      const given = await answer;
      if (this.wasOwnerAway) {
        this.wasOwnerAway = false;
        this.askAgain();
      }
      return given;
    } catch (thrown) {
      this.wasOwnerAway ||= Fault.from(thrown).code === 'unavailable';
      throw thrown;
    }
  }

  private drain(): void {
    this.isDraining = true;
    this.wake?.();
    const { agent, instance, capacity } = this.hello as FromWorker & { type: 'hello' };
    this.instances.beat(this.caller, { agent, instance, capacity, inFlight: this.held.size, isDraining: true });
  }

  private refuse(task: string, fault: Fault): void {
    this.done({ type: 'refused', task, detail: fault.detail });
  }

  private done(message: ToWorker & { task: string }): void {
    this.held.delete(message.task);
    this.accepted.delete(message.task);
    this.ports.send(message);
    this.wake?.();
  }

  private fail(thrown: unknown): void {
    if (this.closed.signal.aborted) return;
    const { code, detail, next } = Fault.from(thrown);
    if (code === 'internal') log.error('a worker’s connection failed', { err: thrown });
    this.ports.send({ type: 'error', code, detail, next });
    this.ports.close(code === 'internal' ? 1011 : 1008, detail.slice(0, 100));
  }
}

/** Whether asking again soon can help: the connection is kept. */
function isPassing({ code }: Fault): boolean {
  return code === 'unavailable' || code === 'timeout' || code === 'limited' || code === 'cancelled';
}
