import type { Bus } from '@signalbox/shared/bus/bus.js';
import { whyQueued } from '@signalbox/shared/contracts/execution/why-queued.js';
import type { CauseKind } from '@signalbox/shared/contracts/execution/why-run.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptRef, Failure } from '@signalbox/workflow/core/events.js';
import { mayTakeOver, named } from '@signalbox/workflow/core/failover.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import type { LiveRun } from '../shards/live-run.ts';
import type { Owner } from '../shards/owner.ts';
import { taskIdOf, type OpenTask } from './open-task.ts';
import type { QueueCause } from './queue-cause.ts';

/** Of what an executor says, so much is recorded: the last of each second. */
const sayMs = 1_000;
/** Where nobody can take over, it is looked again after this. */
const againMs = 2_000;
const retryMs = 250;
const retryMaxMs = 5_000;
/** Tasks that are moved, and queues of other replicas that are asked, in one look. */
const movedMax = 200;
const askedMax = 20;
/** Agents of a workspace that are looked through for a skill: five pages. */
const pagesMax = 5;
const pageMax = 100;

/** What keeps a task from its agent that is not a matter of its turn. */
const stranding: ReadonlySet<CauseKind> = new Set<CauseKind>(['no-worker', 'skill', 'unreachable', 'breaker', 'isolated']);

/** Whether a task that waits for this may be another agent's. */
export function isStranding(kind: CauseKind): boolean {
  return stranding.has(kind);
}

/** What asking the registry again can cure. */
const passing = new Set(['unavailable', 'timeout', 'limited', 'internal']);

/** What an executor says of its work. */
export interface Said {
  message: string;
  fraction: number | undefined;
  partial: Json | undefined;
}

interface Watched {
  task: OpenTask;
  /** Since when nobody was there for it, on the monotonic clock, and when another agent was looked for last. */
  since: number | undefined;
  soughtAt: number;
  saidAt: number;
  unsaid: Said | undefined;
}

interface Candidate {
  name: string;
  /** Whether somebody is there who can begin now. */
  isReady: boolean;
}

/** Finds other agents for attempts of steps with `failover`, keeps what the first ones said, and says where nobody is left for a step that can do without. */
export class Failovers {
  private readonly watched = new Map<string, Watched>();
  private readonly seeking = new Set<string>();
  private isLooking = false;
  private isStopped = false;

  constructor(
    private readonly bus: Bus,
    private readonly owner: Owner,
    private readonly why: (task: OpenTask) => QueueCause | undefined,
  ) {}

  stop(): void {
    this.isStopped = true;
  }

  watch(task: OpenTask): void {
    if (task.step.failover === undefined && task.step.unavailable === undefined) return;
    this.watched.set(task.id, { task, since: undefined, soughtAt: -Infinity, saidAt: -Infinity, unsaid: undefined });
  }

  forget({ id }: OpenTask): void {
    this.watched.delete(id);
  }

  /** Has what an executor says recorded, the last of each second. */
  say(task: OpenTask, said: Said): void {
    const entry = this.watched.get(task.id);
    if (entry?.task.step.failover === undefined) return;
    entry.unsaid = { ...said, partial: said.partial ?? entry.unsaid?.partial };
    if (performance.now() - entry.saidAt >= sayMs) this.flush(task);
  }

  /** Has recorded what an attempt was at when it ended. */
  flush({ id, run, ref }: OpenTask): void {
    const entry = this.watched.get(id);
    if (entry?.unsaid === undefined) return;
    const { message, fraction, partial } = entry.unsaid;
    entry.unsaid = undefined;
    entry.saidAt = performance.now();
    const said = { message, ...(fraction !== undefined && { fraction }), ...(partial !== undefined && { partial }) };
    this.owner.feed(run, { type: 'told', ...ref, ...said }, true);
  }

  /** The agent of a unit is used up: finds another, however long the registry is away. */
  seek(run: LiveRun, { s, i, n }: AttemptRef): void {
    const ref = { s, i, n };
    const id = taskIdOf(run, ref);
    if (this.seeking.has(id)) return;
    this.seeking.add(id);
    inCall({ traceparent: childTraceparent() }, () => {
      void this.find(run, ref)
        .catch((err: unknown) => log.error('no agent was looked for', { task: id, err }))
        .finally(() => this.seeking.delete(id));
    });
  }

  /** Looks after attempts that nobody could begin for longer than their step waits. */
  look(): void {
    if (this.isLooking || this.watched.size === 0) return;
    this.isLooking = true;
    inCall({ traceparent: childTraceparent() }, () => {
      void this.lookOnce()
        .catch((err: unknown) => log.warn('attempts that nobody began were not looked after', { err }))
        .finally(() => (this.isLooking = false));
    });
  }

  private async lookOnce(): Promise<void> {
    const at = performance.now();
    const elsewhere = new Map<string, Pick<QueueCause, 'kind' | 'because'> | undefined>();
    let moved = 0;
    for (const entry of [...this.watched.values()]) {
      const { task } = entry;
      if (this.isStopped || moved >= movedMax) return;
      if (entry.unsaid !== undefined && at - entry.saidAt >= sayMs) this.flush(task);
      if (task.phase !== 'queued' && task.phase !== 'offered') {
        entry.since = undefined;
        continue;
      }
      const cause = await this.causeOf(task, elsewhere);
      if (cause === undefined || !isStranding(cause.kind)) {
        entry.since = undefined;
        continue;
      }
      entry.since ??= at;
      const { failover, unavailable } = task.step;
      const strandedMs = at - entry.since;
      // That an agent is isolated was decided: waiting longer tells nothing more.
      const waitMs = cause.kind === 'isolated' ? 0 : failover?.afterMs;
      const mustSeek = failover !== undefined && strandedMs >= (waitMs ?? 0) && at - entry.soughtAt >= againMs;
      const isLeft = unavailable !== undefined && strandedMs >= unavailable.afterMs;
      if (!mustSeek && !isLeft) continue;
      moved++;
      if (mustSeek) entry.soughtAt = at;
      if (mustSeek && (await this.moveStranded(task, cause.because, waitMs ?? 0))) continue;
      if (isLeft) this.leave(task, cause.because, strandedMs);
    }
  }

  /** Nobody can do it, and its step says what stands in. */
  private leave({ run, ref, target, step }: OpenTask, because: string, ms: number): void {
    if (this.owner.find(run.uuid) !== run) return;
    const detail = `attempt ${ref.n} of ${step.key} could not begin at ${target} for ${Math.round(ms / 1_000)} s: ${because}`;
    const error: Failure = { code: 'unavailable', detail, next: `Look at ${target}; the run went on without it, as whenUnavailable says.` };
    const { outcome } = this.owner.feed(run, { type: 'stranded', ...ref, error });
    if (outcome === 'taken') log.warn('a step was degraded: nobody could do it', { run: run.id, step: step.key, agent: target });
  }

  private async causeOf(
    task: OpenTask,
    elsewhere: Map<string, Pick<QueueCause, 'kind' | 'because'> | undefined>,
  ): Promise<Pick<QueueCause, 'kind' | 'because'> | undefined> {
    const cause = this.why(task);
    if (cause?.elsewhere === undefined) return cause;
    const { alike, shard } = cause.elsewhere;
    if (elsewhere.has(alike) || elsewhere.size >= askedMax) return elsewhere.get(alike);
    // Whoever keeps the queue may be on the way to another replica: it is asked again at the next look.
    const told = await this.bus.request(whyQueued, { task: task.id }, 'service', { shard }).catch(() => undefined);
    elsewhere.set(alike, told);
    return told;
  }

  /** Whether another agent has it now. */
  private async moveStranded({ run, ref, target, step }: OpenTask, because: string, waitMs: number): Promise<boolean> {
    const [found] = (await this.candidates(run, ref)).filter(({ isReady }) => isReady);
    if (found === undefined || this.owner.find(run.uuid) !== run) return false;
    const detail = `attempt ${ref.n} of ${step.key} could not begin at ${target} for ${Math.round(waitMs / 1_000)} s: ${because}`;
    const error: Failure = { code: 'unavailable', detail, next: `Look at ${target}; ${found.name} goes on.` };
    const { outcome } = this.owner.feed(run, { type: 'moved', ...ref, agent: found.name, error });
    if (outcome === 'taken') log.info('a task went to another agent', { run: run.id, step: step.key, from: target, to: found.name });
    return outcome === 'taken';
  }

  private async find(run: LiveRun, ref: AttemptRef): Promise<void> {
    const isSought = (): boolean => {
      const unit = this.owner.find(run.uuid) === run && !this.isStopped ? unitOf(run.state, ref.s, ref.i) : undefined;
      return unit?.isSeeking === true && unit.attempt === ref.n;
    };
    for (let pause = retryMs; isSought(); pause = Math.min(retryMaxMs, pause * 2)) {
      try {
        const found = await this.candidates(run, ref);
        // Where nobody is there at the moment, the first of them has it, and it moves on from there.
        const agent = (found.find(({ isReady }) => isReady) ?? found[0])?.name;
        if (isSought()) this.owner.feed(run, { type: 'moved', ...ref, ...(agent !== undefined && { agent }) });
        return;
      } catch (thrown) {
        const fault = Fault.from(thrown);
        if (!passing.has(fault.code)) {
          // The run may not look at agents: for it there is none.
          log.warn('a run may not look for another agent', { run: run.id, err: thrown });
          if (isSought()) this.owner.feed(run, { type: 'moved', ...ref });
          return;
        }
        await sleep(Math.max(pause, Math.min(retryMaxMs, fault.retryAfterMs ?? 0)));
      }
    }
  }

  /** Agents that could take a unit over, the best first, as far as whoever started the run may use them. */
  private async candidates(run: LiveRun, { s, i }: AttemptRef): Promise<Candidate[]> {
    const { skill } = run.state.graph.steps[s] as GraphStep;
    const caller = await this.bus.as(run.facts.grant);
    const names = named(run.state, s, i);
    const found = names === undefined ? await this.withSkill(skill as string, caller) : await this.known(names, skill, caller);
    return found.filter(({ name }) => mayTakeOver(run.state, s, i, name));
  }

  /** Of the agents that a step names, those that are there. One that declares skills must have the step's. */
  private async known(names: readonly string[], skill: string | undefined, caller: Caller): Promise<Candidate[]> {
    const found: Candidate[] = [];
    for (const name of names) {
      try {
        const { kind, status, breaker, skills, instances } = await this.bus.request(resolveAgent, { name }, caller);
        const hasSkill = skill === undefined || skills.length === 0 || skills.some((one) => one.name === skill);
        const live = instances.filter((one) => one.status === 'live').length;
        if (hasSkill) found.push({ name, isReady: isReady({ kind, status, breaker, live }) });
      } catch (thrown) {
        const { code } = Fault.from(thrown);
        if (code !== 'not_found' && code !== 'forbidden') throw thrown;
      }
    }
    return found;
  }

  private async withSkill(skill: string, caller: Caller): Promise<Candidate[]> {
    const found: Candidate[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const { data, nextCursor } = await this.bus.request(
        listAgents,
        { q: skill, limit: pageMax, ...(cursor !== undefined && { cursor }) },
        caller,
      );
      for (const { name, kind, status, breaker, skills, instances } of data) {
        if (skills.some((one) => one.name === skill))
          found.push({ name, isReady: isReady({ kind, status, breaker, live: instances.live }) });
      }
      if (nextCursor === null || nextCursor === undefined) break;
      cursor = nextCursor;
    }
    return found;
  }
}

function isReady({ kind, status, breaker, live }: { kind: string; status: string; breaker: string | undefined; live: number }): boolean {
  if (status === 'isolated') return false;
  return kind === 'worker' ? live > 0 : breaker !== 'open' && status !== 'failed';
}
