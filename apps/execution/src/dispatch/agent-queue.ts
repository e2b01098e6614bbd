import { shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import type { QueuedTask } from './queued-task.ts';

/** A worker that waits for tasks, with credit for so many. */
export interface Poller {
  readonly instance: string;
  readonly principal: string;
  readonly credit: number;
  readonly skills: ReadonlySet<string> | undefined;
  /** Gives it tasks; called once. */
  give: (tasks: QueuedTask[]) => void;
}

/** What takes the tasks of a queue: workers that ask for them, or a service that they are sent to. */
export type QueueKind = 'worker' | 'called';

/** Tasks of one agent (or tools of one server, or artifacts) of one workspace: first come, first served, so many at once. */
export class AgentQueue {
  kind: QueueKind | undefined;
  limit = Infinity;
  /** Offered and running. */
  active = 0;
  /** Before this moment of the monotonic clock nothing is given out: others' tasks may have places that are not known here yet. */
  heldUntil = 0;
  wake: NodeJS.Timeout | undefined;
  readonly shard: number;
  private ready: QueuedTask[] = [];
  private head = 0;
  private pollers: Poller[] = [];

  constructor(
    readonly key: string,
    /** The agent; undefined for tools and artifacts. */
    readonly agent: string | undefined,
    readonly workspace: string,
  ) {
    this.shard = shardOfQueue(key);
  }

  get waiting(): number {
    return this.ready.length - this.head;
  }

  get isWatched(): boolean {
    return this.pollers.length > 0;
  }

  /** Whether a worker that waits could do it. */
  isWanted({ skill }: QueuedTask): boolean {
    return this.pollers.some(({ skills }) => skills === undefined || skill === undefined || skills.has(skill));
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.active === 0 && this.pollers.length === 0;
  }

  push(task: QueuedTask): void {
    this.ready.push(task);
  }

  /** Puts a task back that nobody accepted: it has waited longest. */
  unshift(task: QueuedTask): void {
    if (this.head > 0) this.ready[--this.head] = task;
    else this.ready.unshift(task);
  }

  /** The task that has waited longest. */
  first(): QueuedTask | undefined {
    for (let at = this.head; at < this.ready.length; at++) if (this.ready[at]?.phase === 'queued') return this.ready[at];
    return undefined;
  }

  /** All that wait. */
  queued(): QueuedTask[] {
    return this.ready.slice(this.head).filter(({ phase }) => phase === 'queued');
  }

  addPoller(poller: Poller): void {
    this.pollers.push(poller);
  }

  /** Takes all workers out that wait. */
  takePollers(): Poller[] {
    return this.pollers.splice(0);
  }

  removePoller(poller: Poller): void {
    this.pollers = this.pollers.filter((other) => other !== poller);
  }

  pollersOf(instance: string): Poller[] {
    return this.pollers.filter((poller) => poller.instance === instance);
  }

  /** The next task, if a slot is free. */
  next(skills?: ReadonlySet<string>): QueuedTask | undefined {
    if (this.active >= this.limit) return undefined;
    while (this.head < this.ready.length && this.ready[this.head]?.phase !== 'queued') this.skip();
    for (let at = this.head; at < this.ready.length; at++) {
      const task = this.ready[at] as QueuedTask;
      if (task.phase !== 'queued' || (skills !== undefined && task.skill !== undefined && !skills.has(task.skill))) continue;
      if (at === this.head) this.skip();
      else this.ready.splice(at, 1);
      return task;
    }
    return undefined;
  }

  /** Serves waiting workers while there are tasks and slots. `offer` marks a task as handed over. */
  serve(offer: (task: QueuedTask, poller: Poller) => void): void {
    for (const poller of [...this.pollers]) {
      const tasks = this.takeFor(poller, offer);
      if (tasks.length === 0) continue;
      this.removePoller(poller);
      poller.give(tasks);
    }
  }

  /** As many tasks for a worker as its credit and the slots allow. */
  takeFor(poller: Poller, offer: (task: QueuedTask, poller: Poller) => void): QueuedTask[] {
    const tasks: QueuedTask[] = [];
    while (tasks.length < poller.credit) {
      const task = this.next(poller.skills);
      if (task === undefined) break;
      offer(task, poller);
      tasks.push(task);
    }
    return tasks;
  }

  private skip(): void {
    this.head++;
    // What was taken is let go in large pieces, so that taking stays cheap.
    if (this.head > 1_024 && this.head > this.ready.length / 2) {
      this.ready = this.ready.slice(this.head);
      this.head = 0;
    }
  }
}
