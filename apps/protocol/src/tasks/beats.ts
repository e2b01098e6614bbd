import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { beatTasks } from '@signalbox/shared/contracts/execution/beat-tasks.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { ProtocolConfig } from '../protocol.config.ts';

/** Tasks that one beat may name. */
const tasksPerBeat = 1_000;
/** What a task says between two of these is replaced by what it says later. */
const progressEveryMs = 250;
const messageMax = 2_000;

interface Progress {
  message: string;
  fraction?: number;
}

/** Tells execution that the tasks of this process are alive, and hears which of them nobody wants any more. */
@Injectable()
export class Beats {
  private readonly tasks = new Set<string>();
  private readonly waiting = new Map<string, Progress>();
  private timer: NodeJS.Timeout | null = null;
  private progressTimer: NodeJS.Timeout | null = null;
  private cancelled: (tasks: string[]) => void = () => undefined;

  constructor(
    private readonly bus: Bus,
    private readonly config: ProtocolConfig,
  ) {}

  onCancelled(listener: (tasks: string[]) => void): void {
    this.cancelled = listener;
  }

  add(task: string): void {
    this.tasks.add(task);
    this.timer ??= setInterval(() => this.beatAll(), this.config.beatMs);
  }

  remove(task: string): void {
    this.tasks.delete(task);
    this.waiting.delete(task);
    if (this.tasks.size === 0) this.stop();
  }

  /** Says what a task is at, with a beat of its own. */
  progress(task: string, message: string, fraction?: number): void {
    if (!this.tasks.has(task)) return;
    this.waiting.set(task, {
      message: withoutSecrets(message).slice(0, messageMax),
      ...(fraction !== undefined && { fraction: Math.min(Math.max(fraction, 0), 1) }),
    });
    this.progressTimer ??= setTimeout(() => {
      this.progressTimer = null;
      for (const [waiting, said] of this.waiting) this.beat(shardOfTask(waiting), [waiting], said);
      this.waiting.clear();
    }, progressEveryMs);
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    if (this.progressTimer) clearTimeout(this.progressTimer);
    this.timer = this.progressTimer = null;
  }

  private beatAll(): void {
    for (const [shard, tasks] of Map.groupBy(this.tasks, shardOfTask)) {
      for (let at = 0; at < tasks.length; at += tasksPerBeat) this.beat(shard, tasks.slice(at, at + tasksPerBeat));
    }
  }

  private beat(shard: number, tasks: string[], said?: Progress): void {
    inCall({ traceparent: childTraceparent() }, () =>
      this.bus.request(beatTasks, { tasks, ...said }, 'service', { shard, timeoutMs: this.config.beatMs }),
    )
      .then(({ cancelled }) => {
        if (cancelled.length > 0) this.cancelled(cancelled);
      })
      .catch((err: unknown) => log.debug('a beat was not heard', { shard, err }));
  }
}
