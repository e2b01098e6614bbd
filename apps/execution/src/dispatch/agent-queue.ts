import { shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { runOfPlace } from '@signalbox/shared/contracts/execution/task-id.js';
import { PriorityLine } from '@signalbox/workflow/limits/priority-line.js';
import type { QueuedTask } from './queued-task.ts';

/** A worker that waits for tasks, with credit for so many. */
export interface Poller {
  readonly instance: string;
  readonly principal: string;
  readonly credit: number;
  readonly skills: ReadonlySet<string> | undefined;
  /** The version of the agent that it runs; undefined: it does not say. */
  readonly version: number | undefined;
  /** Gives it tasks; called once. */
  give: (tasks: QueuedTask[]) => void;
}

/** What takes the tasks of a queue: workers that ask for them, or a service that they are sent to. */
export type QueueKind = 'worker' | 'called';

/** Tasks of one agent (or tools of one server, or artifacts) of one workspace: by priority, then first come, first served, so many at once. */
export class AgentQueue {
  kind: QueueKind | undefined;
  limit = Infinity;
  /** The agent's current version, which a worker that does not say is taken to run. */
  version: number | undefined;
  /** Which version a task goes to that names none; undefined: any. */
  route: ((task: QueuedTask) => number) | undefined;
  /** Offered and running. */
  active = 0;
  /** Before this moment of the monotonic clock nothing is given out: others' tasks may have places that are not known here yet. */
  heldUntil = 0;
  wake: NodeJS.Timeout | undefined;
  /** How many tasks a worker may be handed now: fewer than it asks for where it is isolated or on trial. */
  creditOf: (poller: Poller) => number = ({ credit }) => credit;
  readonly shard: number;
  private readonly ready = new PriorityLine<QueuedTask>();
  private pollers: Poller[] = [];
  /** By run: a worker whose result for it is being written, and who gets the next task of that run with the acknowledgement. */
  private readonly seats = new Map<string, Poller>();

  constructor(
    readonly key: string,
    /** The agent; undefined for tools and artifacts. */
    readonly agent: string | undefined,
    readonly workspace: string,
  ) {
    this.shard = shardOfQueue(key);
  }

  get waiting(): number {
    return this.ready.size;
  }

  get isWatched(): boolean {
    return this.pollers.length > 0;
  }

  /** Whether a worker that waits could do it. */
  isWanted(task: QueuedTask): boolean {
    return this.pollers.some((poller) => this.canDo(poller, task));
  }

  get isIdle(): boolean {
    return this.waiting === 0 && this.active === 0 && this.pollers.length === 0 && this.seats.size === 0;
  }

  push(task: QueuedTask): void {
    this.ready.push(task);
  }

  /** Puts a task back that nobody accepted: of its priority it has waited longest. */
  unshift(task: QueuedTask): void {
    this.ready.unshift(task);
  }

  /** The task whose turn is next. */
  first(): QueuedTask | undefined {
    for (const task of this.ready) if (isQueued(task)) return task;
    return undefined;
  }

  /** All that wait, in the order of their turns. */
  queued(): QueuedTask[] {
    return [...this.ready].filter(isQueued);
  }

  /** Since when the oldest of them waits, on the monotonic clock; `Infinity`: none does. */
  get oldestAt(): number {
    return this.queued().reduce((least, { heardAt }) => Math.min(least, heardAt), Infinity);
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

  /** False where the run has one already. */
  addSeat(run: string, poller: Poller): boolean {
    if (this.seats.has(run)) return false;
    this.seats.set(run, poller);
    return true;
  }

  removeSeat(run: string, poller: Poller): void {
    if (this.seats.get(run) === poller) this.seats.delete(run);
  }

  pollersOf(instance: string): Poller[] {
    return this.pollers.filter((poller) => poller.instance === instance);
  }

  /** The next task, if a slot is free, that the worker can do. */
  next(poller?: Poller): QueuedTask | undefined {
    if (this.active >= this.limit) return undefined;
    return poller === undefined ? this.ready.take(isQueued) : this.ready.take(isQueued, (task) => this.canDo(poller, task));
  }

  private canDo({ skills, version = this.version }: Poller, task: QueuedTask): boolean {
    const hasSkill = skills === undefined || task.skill === undefined || skills.has(task.skill);
    const wanted = this.versionOf(task);
    return hasSkill && (wanted === undefined || wanted === version);
  }

  /** The version of the agent that is to do a task now; undefined: any. */
  versionOf(task: QueuedTask): number | undefined {
    return task.version ?? this.route?.(task);
  }

  /** Serves waiting workers while there are tasks and slots. `offer` marks a task as handed over. */
  serve(offer: (task: QueuedTask, poller: Poller) => void): void {
    for (let first = this.seated(); first !== undefined; first = this.seated()) {
      const { run, poller } = first;
      this.seats.delete(run);
      const tasks = this.takeFor(poller, offer);
      if (tasks.length > 0) poller.give(tasks);
    }
    for (const poller of [...this.pollers]) {
      const tasks = this.takeFor(poller, offer);
      if (tasks.length === 0) continue;
      this.removePoller(poller);
      poller.give(tasks);
    }
  }

  /** Whoever has a seat for the task whose turn is next. */
  private seated(): { run: string; poller: Poller } | undefined {
    const first = this.seats.size === 0 ? undefined : this.first();
    const run = first && runOfPlace(first.id);
    const poller = run === undefined ? undefined : this.seats.get(run);
    return run !== undefined && poller !== undefined ? { run, poller } : undefined;
  }

  /** As many tasks for a worker as its credit and the slots allow. */
  takeFor(poller: Poller, offer: (task: QueuedTask, poller: Poller) => void): QueuedTask[] {
    const tasks: QueuedTask[] = [];
    const credit = this.creditOf(poller);
    while (tasks.length < credit) {
      const task = this.next(poller);
      if (task === undefined) break;
      offer(task, poller);
      tasks.push(task);
    }
    return tasks;
  }
}

function isQueued({ phase }: QueuedTask): boolean {
  return phase === 'queued';
}
