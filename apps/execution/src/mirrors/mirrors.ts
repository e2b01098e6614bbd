import type { Bus } from '@signalbox/shared/bus/bus.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import { isMirror, shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { agentQueueKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import type { QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import type { RoutedCandidate, RoutedMirror } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Failure } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { wrongAnswer } from '@signalbox/workflow/language/answer-schema.js';
import type { AgentDirectory, KnownAgent } from '../dispatch/agent-directory.ts';
import type { OpenTask } from '../dispatch/open-task.ts';
import { isActive, offerOf, type QueuedTask } from '../dispatch/queued-task.ts';
import { isMirrored } from '../dispatch/route.ts';
import type { ShardWords } from '../dispatch/shard-words.ts';
import type { TaskQueues } from '../dispatch/task-queues.ts';
import { requireWorkerOf } from '../dispatch/worker-identity.ts';
import { isNobodysFault } from '../telemetry/instance-tally.ts';
import { mirrorTask, type Answered, type MirrorTask } from './mirror-task.ts';
import { MirrorTally } from './mirror-tally.ts';

/** Of all rollouts at once, on this replica: what `protocol` takes beside all that may be called for runs. */
const mirrorsMax = 64;
/** One that nobody has begun by then is let go: the new version has too much to do. */
const waitMs = 30_000;
/** However long a step may take. */
const takesMaxMs = 600_000;
/** Executors beat every second, workers every two: as for tasks of runs. */
const lostMs = 6_000;
/** Rates that are remembered. */
const ratesMax = 1_000;

export interface MirrorPorts {
  owns(shard: number): boolean;
  /** Whoever works on it is to stop. */
  stop(task: QueuedTask): void;
}

/**
 * Puts calls that the stable version of an agent has answered to the version that is rolled out, and compares both. Nothing of a run waits for it or knows of it: it is
 * in memory alone, at the owner of the run, and lost with it. A mirrored call waits in the queue of its agent behind all others, and takes none of its places.
 */
export class Mirrors {
  private readonly tasks = new Map<string, MirrorTask>();
  /** By rollout: how many may begin now, and as of when. */
  private readonly rates = new Map<string, { left: number; at: number }>();
  private readonly tally: MirrorTally;

  constructor(
    private readonly bus: Bus,
    private readonly agents: AgentDirectory,
    private readonly queues: TaskQueues,
    private readonly words: ShardWords<QueueWord>,
    private readonly ports: MirrorPorts,
  ) {
    this.tally = new MirrorTally(bus);
  }

  /** A call of a run has ended, and that is written. Returns at once. `version`: that a rollout chose for it. */
  ended(task: OpenTask, version: number | undefined, answered: Answered): void {
    const { kind, workspace, target, grant } = task;
    if (kind !== 'agent' || version === undefined || task.version !== undefined) return;
    if (answered.error !== undefined && isNobodysFault(answered.error)) return;
    const known = this.agents.peek(workspace, target);
    if (known !== undefined) return this.mirror(task, version, answered, known);
    // Its queue is another's: it is not known here yet.
    inCall({ traceparent: childTraceparent() }, () => {
      void this.bus
        .as(grant)
        .then((caller) => this.agents.find(workspace, target, caller))
        .then((found) => this.mirror(task, version, answered, found))
        .catch((err: unknown) => log.debug('a call was not mirrored', { task: task.id, err }));
    });
  }

  find(id: string): MirrorTask | undefined {
    return this.tasks.get(id);
  }

  /** Those in queues that are kept here. */
  *kept(): Iterable<MirrorTask> {
    for (const task of this.tasks.values()) if (task.queue !== null) yield task;
  }

  /** An executor begins. `conflict` where nobody wants it any more, or another has it. */
  accept(id: string, instance: string, principal: string | undefined): void {
    const task = this.held(id, instance, principal);
    if (task === undefined || this.agents.isFenced(task.workspace, task.target, instance)) throw unwanted(id);
    if (task.phase === 'running') return;
    task.principal ??= principal;
    task.heardAt = task.startedAt = performance.now();
    this.queues.began(task, instance);
    if (task.queue === null) this.words.tell(shardOf(task), { type: 'began', task: id, instance });
    const timeoutMs = Math.min(task.timeoutMs, takesMaxMs);
    const late = { code: 'timeout', detail: `nothing came of it within ${timeoutMs} ms` };
    this.time(task, timeoutMs, () => this.end(task, { error: late }, true));
  }

  /** Whether it is still wanted of whoever works on it. */
  beat(id: string, instance: string | undefined, principal: string | undefined): boolean {
    const task = this.held(id, instance, principal);
    if (task !== undefined) task.heardAt = performance.now();
    return task !== undefined;
  }

  /** Takes what came of it. `conflict` where nobody wants it any more. */
  async complete(
    { task: id, output, error, usage, instance }: TaskResult & { task: string; instance?: string },
    caller?: Caller,
  ): Promise<void> {
    if (caller !== undefined) this.requireOf(id, caller);
    const task = this.held(id, instance, caller?.principal);
    if (task === undefined) throw unwanted(id);
    const used = usage && { usage: { ...usage } };
    if (error !== undefined) return this.end(task, { error: { code: error.code, detail: error.detail }, ...used });
    const tookMs = tookOf(task);
    const answer = (output ?? null) as Json;
    const invalid = await this.brokenPromise(task, answer);
    if (this.tasks.get(id) === task) this.end(task, { output: answer, invalid, tookMs, ...used });
  }

  /** It cannot be handed over. */
  refused(task: MirrorTask, error: Failure): void {
    if (this.tasks.get(task.id) === task) this.end(task, { error });
  }

  /** `not_found` where the caller does not work for its agent. */
  requireOf(id: string, caller: Caller): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    if (task.workspace !== caller.workspace) throw new Fault('not_found', `there is no task ${id}`, 'Check the identifier.');
    requireWorkerOf(caller, task.target);
  }

  /** Its worker is gone, or was isolated. */
  lose(isOf: (task: MirrorTask) => boolean, detail: string): void {
    for (const task of [...this.tasks.values()])
      if (task.phase === 'running' && isOf(task)) this.end(task, { error: { code: 'unavailable', detail } }, true);
  }

  /** What is known of an agent is old: where its version is not mirrored to any more, that ends now. */
  agentChanged(workspace: string, agent: string): void {
    const mine = [...this.tasks.values()].filter((task) => task.workspace === workspace && task.target === agent);
    if (mine.length === 0) return;
    inCall({ traceparent: childTraceparent() }, () => {
      void this.bus
        .as(mine[0]!.grant)
        .then((caller) => this.agents.find(workspace, agent, caller))
        .then(({ route }) => {
          for (const task of mine) if (route?.candidate?.mirror === undefined || route.candidate.rollout !== task.rollout) this.drop(task);
        })
        .catch((err: unknown) => log.debug('it was not found out whether calls are still mirrored', { agent, err }));
    });
  }

  /** The runs or queues of these shards are another replica's: what was mirrored of them is lost. */
  leave(isGone: (shard: number) => boolean): void {
    for (const task of [...this.tasks.values()]) if (isGone(shardOfTask(task.id)) || isGone(shardOf(task))) this.drop(task);
  }

  sweep(): void {
    const at = performance.now();
    for (const task of [...this.tasks.values()])
      if (task.phase === 'running' && at - task.heardAt > lostMs)
        this.end(task, { error: { code: 'unavailable', detail: 'nothing was heard of it any more' } }, true);
  }

  /** Nobody was heard in a gap of our own. */
  resume(): void {
    for (const task of this.tasks.values()) task.heardAt = performance.now();
  }

  stop(): void {
    for (const task of [...this.tasks.values()]) this.drop(task);
    this.tally.stop();
  }

  private mirror(task: OpenTask, version: number, answered: Answered, { route }: KnownAgent): void {
    const { candidate } = route ?? {};
    const mirror = candidate?.mirror;
    if (candidate === undefined || mirror === undefined || version !== route?.version || !isMirrored(candidate, mirror.share, task)) return;
    if (!this.mayBegin(candidate, mirror)) return this.tally.skip(task.workspace, task.target, candidate.rollout);
    const one = mirrorTask(task, candidate, answered);
    this.tasks.set(one.id, one);
    this.time(one, waitMs, () => this.drop(one));
    if (this.ports.owns(shardOf(one))) this.queues.enter(one);
    else this.words.tell(shardOf(one), { type: 'offer', task: one.id, offer: offerOf(one) });
  }

  private mayBegin({ rollout }: RoutedCandidate, { perSecond, inFlight }: RoutedMirror): boolean {
    const at = performance.now();
    const rate = this.rates.get(rollout) ?? { left: perSecond, at };
    rate.left = Math.min(perSecond, rate.left + ((at - rate.at) / 1_000) * perSecond);
    rate.at = at;
    if (this.rates.size >= ratesMax) this.rates.clear();
    this.rates.set(rollout, rate);
    if (rate.left < 1 || this.tasks.size >= mirrorsMax) return false;
    let count = 0;
    for (const task of this.tasks.values()) if (task.rollout === rollout) count++;
    if (count >= inFlight) return false;
    rate.left--;
    return true;
  }

  private held(id: string, instance: string | undefined, principal: string | undefined): MirrorTask | undefined {
    const task = this.tasks.get(id);
    if (task === undefined || task.phase === 'queued') return task;
    if (task.principal !== undefined && task.principal !== principal) return undefined;
    return task.instance === undefined || principal === undefined || task.instance === instance ? task : undefined;
  }

  /** After a version of its own, which never changes. While the registry is away answers are taken as they are. */
  private async brokenPromise({ workspace, target, version, skill, grant }: MirrorTask, answer: Json): Promise<string | undefined> {
    try {
      const { promised, skills } = await this.agents.findVersion(workspace, target, version, () => this.bus.as(grant));
      const name = skill ?? (skills.length === 1 ? skills[0] : undefined);
      const schema = name === undefined ? undefined : promised.get(name);
      return schema && wrongAnswer(schema, answer);
    } catch (err) {
      log.debug('an answer was not held against its schema', { agent: target, err });
      return undefined;
    }
  }

  /** `stops`: somebody works on it, and is to stop. */
  private end(task: MirrorTask, { output, error, invalid, usage, tookMs = tookOf(task) }: Partial<Answered>, stops = false): void {
    this.forget(task, stops);
    if (error !== undefined && isNobodysFault(error)) this.tally.skip(task.workspace, task.target, task.rollout);
    else this.tally.add(task, { output, error, invalid, usage, tookMs });
  }

  private drop(task: MirrorTask): void {
    if (this.tasks.get(task.id) !== task) return;
    this.forget(task, true);
    this.tally.skip(task.workspace, task.target, task.rollout);
  }

  private forget(task: MirrorTask, isCancelled: boolean): void {
    clearTimeout(task.timer);
    this.tasks.delete(task.id);
    if (task.queue === null) this.words.tell(shardOf(task), { type: 'left', task: task.id, isCancelled });
    else if (isCancelled && isActive(task)) this.ports.stop(task);
    this.queues.left(task);
  }

  private time(task: MirrorTask, ms: number, then: () => void): void {
    clearTimeout(task.timer);
    task.timer = setTimeout(() => inCall({ traceparent: childTraceparent() }, then), ms).unref();
  }
}

/** Whether a task in a queue is one of these. */
export function isMirrorTask(task: QueuedTask): task is MirrorTask {
  return isMirror(task.id) && 'rollout' in task;
}

function tookOf({ startedAt }: MirrorTask): number {
  return startedAt === undefined ? 0 : performance.now() - startedAt;
}

function shardOf({ workspace, target }: MirrorTask): number {
  return shardOfQueue(agentQueueKey(workspace, target));
}

function unwanted(id: string): Fault {
  return new Fault('conflict', `nobody waits for the mirrored call ${id} any more`, 'Drop it and ask for other tasks.');
}
