import type { Bus } from '@signalbox/shared/bus/bus.js';
import { askTasks } from '@signalbox/shared/contracts/execution/ask-tasks.js';
import { completeTask, type CompleteTaskRequest } from '@signalbox/shared/contracts/execution/complete-task.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import type { QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '@signalbox/workflow/core/events.js';
import { isActive, offeredTask, offerMs, type QueuedTask } from './queued-task.ts';
import type { TaskQueues } from './task-queues.ts';

/** A word may be lost with its speaker: a task that has a slot is asked for after this, one that waits after that. */
const activeAskMs = 3_000;
const queuedAskMs = 60_000;
const askMax = 1_000;
const retryMs = 250;
const acceptMs = 1_000;

interface Entry {
  task: QueuedTask;
  askedAt: number;
}

/** Tasks that wait or run under this replica's queues while another replica owns their runs. */
export class OthersTasks {
  private readonly entries = new Map<string, Entry>();
  private readonly asking = new Set<number>();

  constructor(
    private readonly bus: Bus,
    private readonly queues: TaskQueues,
    /** Its executor is to stop. */
    private readonly stop: (task: QueuedTask) => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  find(id: string): QueuedTask | undefined {
    return this.entries.get(id)?.task;
  }

  all(): QueuedTask[] {
    return [...this.entries.values()].map(({ task }) => task);
  }

  /** Takes in what the owner of a run says of its task. Saying it again changes nothing. */
  hear({ type, task: id, offer, instance, isCancelled }: QueueWord): void {
    const task = this.find(id);
    if (type === 'offer' && offer !== undefined) {
      if (task === undefined) this.add(offeredTask(id, offer), instance);
      else if (instance !== undefined && task.phase !== 'running') this.queues.began(task, instance);
      // A new owner knows of no acceptance: who has it asks within this time, or never will.
      else if (task.phase === 'offered') task.heardAt = Math.min(task.heardAt, performance.now() - offerMs + acceptMs);
    } else if (task === undefined) return;
    else if (type === 'began') {
      if (task.phase !== 'running') this.queues.began(task, instance ?? '');
    } else if (type === 'left') {
      if (isCancelled === true && isActive(task)) this.stop(task);
      this.remove(task);
    }
  }

  /** A run has gone to another replica, and its task stays in the queue here. */
  keep(task: QueuedTask): void {
    this.entries.set(task.id, { task, askedAt: performance.now() });
  }

  /** Forgets it without a word; the queue's slot stays taken for whoever replaces it. */
  forget(id: string): void {
    this.entries.delete(id);
  }

  /** The queues of these shards are another replica's. */
  drop(isGone: (shard: number) => boolean): void {
    for (const { task } of [...this.entries.values()]) {
      if (task.queue !== null && !isGone(task.queue.shard)) continue;
      task.phase = 'gone';
      this.entries.delete(task.id);
    }
  }

  /** Ends an attempt that cannot be handed over, at the owner of its run. */
  end(task: QueuedTask, error: Failure): void {
    if (task.phase === 'gone') return;
    this.remove(task);
    const { isFinal: _, ...failure } = error;
    const body = { task: task.id, error: failure } as CompleteTaskRequest;
    inCall({ traceparent: childTraceparent() }, () => void this.report(body));
  }

  /** Nobody has accepted it in time: the owner of its run says whether that ends it. */
  late(task: QueuedTask): void {
    inCall({ traceparent: childTraceparent() }, () => void this.report({ task: task.id, isLate: true }));
  }

  /** Asks whether tasks are still wanted that nothing was heard of for long. */
  sweep(): void {
    const at = performance.now();
    const due = [...this.entries.values()].filter(({ task, askedAt }) => at - askedAt > (isActive(task) ? activeAskMs : queuedAskMs));
    for (const [shard, entries] of Map.groupBy(due, ({ task }) => shardOfTask(task.id))) {
      if (this.asking.has(shard)) continue;
      this.asking.add(shard);
      inCall({ traceparent: childTraceparent() }, () => void this.ask(shard, entries.slice(0, askMax)));
    }
  }

  private add(task: QueuedTask, instance: string | undefined): void {
    if (instance !== undefined) {
      task.phase = 'running';
      task.instance = instance;
    }
    this.keep(task);
    this.queues.enter(task);
  }

  private remove(task: QueuedTask): void {
    this.entries.delete(task.id);
    this.queues.left(task);
  }

  private async ask(shard: number, entries: readonly Entry[]): Promise<void> {
    try {
      const { gone } = await this.bus.request(askTasks, { tasks: entries.map(({ task }) => task.id) }, 'service', { shard });
      for (const entry of entries) entry.askedAt = performance.now();
      for (const id of gone) {
        const task = this.find(id);
        if (task) this.remove(task);
      }
    } catch (err) {
      log.debug('tasks were not asked for', { shard, err });
    } finally {
      this.asking.delete(shard);
    }
  }

  private async report(body: CompleteTaskRequest): Promise<void> {
    for (;;) {
      try {
        return void (await this.bus.request(completeTask, body, 'service', { shard: shardOfTask(body.task) }));
      } catch (thrown) {
        const fault = Fault.from(thrown);
        // A run without an owner gets one, which offers the task again.
        if (fault.code !== 'unavailable' && fault.code !== 'timeout') return;
        await sleep(Math.max(retryMs, fault.retryAfterMs ?? 0));
      }
    }
  }
}
