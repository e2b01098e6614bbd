import type { LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { parseTask, runOfPlace } from '@signalbox/shared/contracts/execution/task-id.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { AgentDirectory } from './agent-directory.ts';
import type { AgentQueue, Poller } from './agent-queue.ts';
import type { QueuedTask } from './queued-task.ts';
import type { TaskQueues } from './task-queues.ts';
import { WorkerSessions } from './worker-sessions.ts';

/** Tasks to be stopped that are remembered for a worker which does not ask, and workers that they are remembered for. */
const stopsMax = 1_000;

/** What a worker asks for. */
export interface LeaseWish {
  agent: string;
  instance: string;
  /** Tasks that it can take now. */
  credit: number;
  waitMs: number;
  session?: string | undefined;
  skills?: readonly string[] | undefined;
  /** The version of the agent that it runs. */
  version?: number | undefined;
}

export interface LeasePorts {
  /** Offers an instance's tasks again that it has not accepted; gives those that it may have begun and has said nothing of. */
  offerAgain(workspace: string, agent: string, instance: string): QueuedTask[];
  /** The worker has a task that it was handed and may have begun. */
  has(task: string): void;
}

/** A worker's place for the next task of a run, while its result for that run is being written. */
export interface Seat {
  /** The result is written: what came meanwhile, which goes with the acknowledgement. */
  leave(): QueuedTask[];
  /** There is no acknowledgement: what came meanwhile is anybody's. */
  giveBack(): void;
}

/** Workers that ask for tasks: each gets some, or waits until there are. */
export class WorkerLeases {
  /** By workspace and instance: tasks that its worker is to stop. */
  private readonly stops = new Map<string, Set<string>>();

  private readonly sessions = new WorkerSessions();

  constructor(
    private readonly queues: TaskQueues,
    private readonly agents: AgentDirectory,
    private readonly ports: LeasePorts,
  ) {}

  /** Answers when there is a task, when one of the worker's own is to be stopped, or after `waitMs`. */
  async lease(
    { workspace, principal }: Pick<Caller, 'workspace' | 'principal'>,
    wish: LeaseWish,
    signal: AbortSignal,
  ): Promise<{ tasks: QueuedTask[]; cancelled: string[] }> {
    const queue = this.queues.ofAgent(workspace, wish.agent);
    const { tasks, cancelled } = await this.ask(workspace, principal, queue, wish, signal);
    const begun = tasks.flatMap(({ id, begunAt }) => (begunAt === undefined ? [] : [id]));
    if (wish.session !== undefined) this.sessions.hand([workspace, wish.agent, wish.instance], wish.session, begun);
    return { tasks, cancelled };
  }

  private async ask(
    workspace: string,
    principal: string,
    queue: AgentQueue,
    wish: LeaseWish,
    signal: AbortSignal,
  ): Promise<{ tasks: QueuedTask[]; cancelled: string[] }> {
    const { session, instance, credit, version } = wish;
    const skills = wish.skills === undefined ? undefined : new Set(wish.skills);
    const worker = [workspace, wish.agent, wish.instance];
    if (session !== undefined && this.sessions.follow(worker, session)) {
      this.dismiss(queue, wish.instance);
      const again = this.ports.offerAgain(workspace, wish.agent, wish.instance);
      if (again.length > 0) return { tasks: again, cancelled: this.takeStops(workspace, wish.instance) };
    } else if (session !== undefined) for (const task of this.sessions.takeHanded(worker)) this.ports.has(task);
    if (session !== undefined) this.sessions.remember(worker, { skills, version });
    const poller: Poller = { instance, principal, credit, skills, version, give: () => undefined };
    const cancelled = this.takeStops(workspace, wish.instance);
    const tasks = this.queues.takeFor(queue, poller);
    if (tasks.length > 0 || cancelled.length > 0 || wish.waitMs === 0) return { tasks, cancelled };
    const given = await new Promise<QueuedTask[]>((resolve) => {
      const done = (leased: QueuedTask[]): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        resolve(leased);
      };
      const leave = (): void => {
        queue.removePoller(poller);
        done([]);
      };
      const timer = setTimeout(leave, wish.waitMs);
      signal.addEventListener('abort', leave, { once: true });
      poller.give = done;
      queue.addPoller(poller);
    });
    this.queues.tidy(queue);
    return { tasks: given, cancelled: this.takeStops(workspace, wish.instance) };
  }

  /**
   * Has the next task of the same run go to this worker, whose result for it is to be written, if no other is before that in the queue: it comes with the
   * acknowledgement, so that a chain of steps costs its worker one request a step. Undefined where the session is none that asks for tasks here.
   */
  seat(
    done: QueuedTask | undefined,
    { instance, session }: { instance: string; session?: string },
    { principal }: Pick<Caller, 'principal'>,
  ): Seat | undefined {
    const queue = done?.queue;
    if (done === undefined || session === undefined || queue?.kind !== 'worker') return undefined;
    const means = this.sessions.meansOf([done.workspace, done.target, instance], session);
    if (means === undefined) return undefined;
    const run = runOfPlace(done.id);
    const given: QueuedTask[] = [];
    const poller: Poller = { instance, principal, credit: 1, ...means, give: (tasks) => given.push(...tasks) };
    if (!queue.addSeat(run, poller)) return undefined;
    const leave = (): QueuedTask[] => {
      queue.removeSeat(run, poller);
      this.queues.tidy(queue);
      // What was taken back meanwhile may be another's by now.
      return given.filter((task) => task.phase === 'offered' && task.instance === instance);
    };
    return { leave, giveBack: () => leave().forEach((task) => this.queues.putBack(task)) };
  }

  /** Has a worker told that nobody wants a task any more: at once if it asks for tasks, else when it does. */
  stop(task: QueuedTask): void {
    const { instance, queue, workspace } = task;
    if (instance === undefined || queue === null) return;
    const key = `${workspace} ${instance}`;
    const stops = this.stops.get(key) ?? new Set();
    if (stops.size < stopsMax) stops.add(task.id);
    if (this.stops.size >= stopsMax) this.stops.clear();
    this.stops.set(key, stops);
    this.dismiss(queue, instance);
  }

  /** Answers an instance's open questions for tasks with none. */
  private dismiss(queue: AgentQueue, instance: string): void {
    for (const poller of queue.pollersOf(instance)) {
      queue.removePoller(poller);
      poller.give([]);
    }
  }

  /** A leased task as its worker gets it. */
  describe(task: QueuedTask): LeasedTask {
    const { run, attempt } = parseTask(task.id);
    return {
      task: task.id,
      attempt,
      run,
      step: task.key,
      skill: task.skill ?? this.onlySkill(task),
      input: task.input,
      deadline: Math.round(now() + task.timeoutMs),
      idempotencyKey: task.idempotencyKey,
      isAccepted: task.phase === 'running' || task.begunAt !== undefined,
      ...(task.traceparent !== undefined && { traceparent: task.traceparent }),
      ...(task.handover && { handover: task.handover }),
    };
  }

  private onlySkill({ workspace, target }: QueuedTask): string | null {
    const skills = this.agents.peek(workspace, target)?.skills ?? [];
    return skills.length === 1 ? (skills[0] as string) : null;
  }

  private takeStops(workspace: string, instance: string): string[] {
    const key = `${workspace} ${instance}`;
    const stops = this.stops.get(key);
    this.stops.delete(key);
    return stops ? [...stops] : [];
  }
}
