import { setTimeout as sleep } from 'node:timers/promises';
import { policyOf, shownOf } from '@signalbox/workflow/core/approval.js';
import { totalOf } from '@signalbox/workflow/core/budget.js';
import { decide } from '@signalbox/workflow/core/decide.js';
import { runDue } from '@signalbox/workflow/core/ending.js';
import { named } from '@signalbox/workflow/core/failover.js';
import type { AttemptRef, Effect, Failure, RunEvent, Transition, Usage } from '@signalbox/workflow/core/events.js';
import { ExpressionError, pricedModels, type Graph, type GraphStep, type StepKind } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { limitText, priorityOf, runClaimsOf, runPriorityOf, type LimitClaim, type LimitKey } from '@signalbox/workflow/core/limits.js';
import { inputOf, workOf } from '@signalbox/workflow/core/scope.js';
import { hasEnded, newRun, unitOf, type RunState } from '@signalbox/workflow/core/state.js';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { Places } from './places.ts';
import { Schedule } from './schedule.ts';

/** What a step asks somebody to do. */
export interface Task {
  kind: StepKind | 'model';
  /** The name of the workflow that the step is of. */
  workflow: string;
  run: string;
  step: string;
  /** Of the item; null for a step without items. */
  index: number | null;
  /** From 1; of a model, counted over all its turns in the step. */
  attempt: number;
  /** Asked by a model, in a step with `llm`. */
  isCalled: boolean;
  /** The agent, `server/tool`, workflow or model; empty for an artifact and an approval. */
  target: string;
  skill?: string;
  /** The version of the agent that the step names. */
  version?: number;
  input: Json;
  /** Aborted when nobody waits for the reply any more. */
  signal: AbortSignal;
}

/** How a task ended. */
export interface Reply {
  output?: Json;
  error?: Failure;
  usage?: Usage;
  /** How much virtual time it took, milliseconds. */
  afterMs?: number;
}

/** The world around the run: who does the tasks, which workflows are there, and who looks on. */
export interface Surroundings {
  /** A promise takes real time, and the virtual clock goes with it. */
  reply: (task: Task) => Reply | Promise<Reply>;
  /** The graph that a child run is of, its input checked (throws a `Fault`); undefined: `reply` answers for it. */
  child?: (workflow: string, input: Json) => Graph | undefined;
  seen?: (run: RunState, transition: Transition) => void;
}

/** What happens to a run from outside, in virtual milliseconds after its start. */
export interface Script {
  input: Json;
  labels?: Record<string, string>;
  /** Epoch milliseconds. */
  startAt: number;
  signals?: readonly { afterMs: number; name: string; data: Json }[];
  cancelAfterMs?: number;
  /** Of the chance in pauses between attempts. */
  seed?: number;
}

/** More happenings than these are not a run that ends: a bound of this process, not of the engine. */
const happeningsMax = 5_000_000;
/** Child runs of one run: what starts itself over and over ends here. */
const runsMax = 10_000;
/** So much is done at one go before the process looks up. */
const burst = 10_000;

interface Live {
  state: RunState;
  open: Map<string, AbortController>;
}

/**
 * Plays one run of a workflow, with its child runs, on the engine's own core, in this process: nothing is stored and nothing sent. Time is
 * virtual: where nothing is under way, the clock jumps to what is due next.
 */
export async function play(graph: Graph, script: Script, surroundings: Surroundings, signal?: AbortSignal): Promise<RunState> {
  return new World(script, surroundings).play(graph, signal);
}

class World {
  private readonly schedule: Schedule;
  private readonly runs = new Map<string, Live>();
  private readonly random: () => number;
  private readonly places: Places;
  /** Replies that came in real time, and the tasks that wait for one. */
  private readonly arrived: (() => void)[] = [];
  private underWay = 0;
  private children = 0;
  /** Tells whoever waits for one. */
  private announce = (): void => undefined;

  constructor(
    private readonly script: Script,
    private readonly surroundings: Surroundings,
  ) {
    this.schedule = new Schedule(script.startAt);
    this.places = new Places(this.schedule);
    this.random = chance(script.seed ?? 1);
  }

  async play(graph: Graph, signal: AbortSignal | undefined): Promise<RunState> {
    const run = 'run_local';
    const { input, startAt, signals = [], cancelAfterMs } = this.script;
    const main = this.start(run, graph, { type: 'start', input, depth: 0, claims: this.claimsFor(graph, input) });
    signals.forEach(({ afterMs, name, data }, index) =>
      this.schedule.at(startAt + afterMs, () => this.feed(run, { type: 'signal', id: `signal-${index}`, hash: String(index), name, data })),
    );
    if (cancelAfterMs !== undefined) this.schedule.at(startAt + cancelAfterMs, () => this.feed(run, { type: 'cancel', by: 'the script' }));
    for (let happenings = 1; !hasEnded(main.state); happenings++) {
      signal?.throwIfAborted();
      if (happenings > happeningsMax)
        throw new Fault('limited', `the run has not ended after ${happeningsMax} happenings`, 'Make it smaller.');
      if (happenings % burst === 0) await new Promise(setImmediate);
      const next = this.schedule.nextDue();
      const came = this.arrived.shift();
      if (came) came();
      else if (next !== undefined && (this.underWay === 0 || next <= this.schedule.now)) this.schedule.fireNext();
      else if (this.underWay > 0) await this.waitForReply(next, signal);
      else throw new Error('nothing is left to happen and the run has not ended');
    }
    for (const { open } of this.runs.values()) for (const attempt of open.values()) attempt.abort();
    return main.state;
  }

  /** Real work is under way: the virtual clock goes as fast as the real one. */
  private async waitForReply(next: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    const began = performance.now();
    const stop = new AbortController();
    const arrival = new Promise<void>((resolve) => (this.announce = (): undefined => void resolve()));
    const waits: Promise<unknown>[] = [arrival];
    const isAborted = AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]);
    const leftMs = Math.min(next === undefined ? 60_000 : next - this.schedule.now, 60_000);
    waits.push(sleep(leftMs, undefined, { signal: isAborted }).catch(() => undefined));
    await Promise.race(waits);
    stop.abort();
    this.schedule.pass(Math.round(performance.now() - began));
  }

  private start(run: string, graph: Graph, event: RunEvent & { type: 'start' }): Live {
    const live: Live = { state: newRun(run, graph), open: new Map() };
    this.runs.set(run, live);
    const models = pricedModels(graph);
    // What models cost is what their mocks say.
    const free = Object.fromEntries(models.map((model) => [model, { inputUsd: 0, outputUsd: 0 }]));
    this.feed(run, models.length === 0 ? event : { ...event, budget: { ...event.budget, prices: free } });
    this.watch(run, live);
    return live;
  }

  /** Ends the run, or what its end leads to, when that takes too long. */
  private watch(run: string, { state }: Live): void {
    this.schedule.at(runDue(state), () => this.feed(run, { type: 'due', timer: 'run' }));
  }

  private feed(run: string, event: RunEvent): void {
    const live = this.runs.get(run);
    if (live === undefined) return;
    const turn = decide(live.state, event, {
      at: this.schedule.now,
      random: this.random,
      newRunId: () => `run_local_${++this.children}`,
      newId: () => `local_${++this.children}`,
    });
    for (const transition of turn.transitions) {
      this.surroundings.seen?.(live.state, transition);
      if (transition.t === 'asks') this.later(() => this.askPeople(run, live, transition));
    }
    for (const effect of turn.effects) this.perform(run, live, effect);
  }

  /** Throws `invalid` where a key cannot be computed. */
  private claimsFor(graph: Graph, input: Json, within?: LimitKey[]): LimitClaim[] {
    try {
      return runClaimsOf(graph, { input, labels: this.script.labels ?? {} }, within);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      const next = 'Give the input and the labels that the key is computed from.';
      throw new Fault('invalid', `${thrown.pointer}: ${thrown.message}`, next, { cause: thrown });
    }
  }

  private perform(run: string, live: Live, effect: Effect): void {
    switch (effect.e) {
      case 'dispatch':
        return this.later(() => this.enter(run, live, effect));
      case 'enter': {
        const { graph, priority } = live.state;
        // Its beginning is a happening of its own.
        const admit = (): void => this.feed(run, { type: 'admitted' });
        const cancel = (): void => this.feed(run, { type: 'cancel', by: 'a newer run, which has its place' });
        if (!effect.isIn) this.places.take(run, effect.claims, runPriorityOf(graph, priority), admit, cancel);
        return;
      }
      case 'unsendable':
        return this.later(() => this.feed(run, { ...refOf(effect), type: 'completed', error: effect.error }));
      case 'wakeAt':
        return this.schedule.at(effect.due, () => this.feed(run, { ...refOf(effect), type: 'due', timer: effect.timer }));
      case 'seek': {
        // Who else has a skill, nobody knows here: agents that the step names are there.
        const agent = named(live.state, effect.s, effect.i)?.[0];
        return this.later(() => this.feed(run, { ...refOf(effect), type: 'moved', ...(agent !== undefined && { agent }) }));
      }
      case 'watch':
        return this.watch(run, live);
      case 'attemptEnded':
        this.places.leave(`${run} ${keyOf(effect)}`);
        if (effect.isCancelled) live.open.get(keyOf(effect))?.abort();
        live.open.delete(keyOf(effect));
        return;
      case 'startChild':
        return this.later(() => this.startChild(run, live, effect));
      case 'cancelChild':
        return this.later(() => this.feed(effect.run, { type: 'cancel', by: 'its parent' }));
      case 'wantBudget':
        return; // there are no budgets above a run here
      case 'ended':
        this.places.leave(run);
        return this.tellParent(run, live.state);
    }
  }

  /** At this moment still, but not inside the turn that led to it. */
  private later(action: () => void): void {
    this.schedule.at(this.schedule.now, action);
  }

  /** An attempt begins once it has its places of limits. */
  private enter(run: string, live: Live, effect: Effect & { e: 'dispatch' }): void {
    const { s, i, n, input, claims } = effect;
    const begin = (): void => this.dispatch(run, live, effect, input);
    if (claims === undefined) return begin();
    const unit = unitOf(live.state, s, i);
    if (unit?.status === 'queued' && unit.attempt === n)
      this.places.take(`${run} ${keyOf(effect)}`, claims, priorityOf(live.state, s), begin);
  }

  private dispatch(run: string, live: Live, ref: AttemptRef, input: Json): void {
    const step = live.state.graph.steps[ref.s] as GraphStep;
    this.feed(run, { ...refOf(ref), type: 'accepted', instance: 'local' });
    if (unitOf(live.state, ref.s, ref.i)?.status !== 'running') return;
    this.schedule.at(this.schedule.now + step.timeoutMs, () => this.feed(run, { ...refOf(ref), type: 'due', timer: 'attempt' }));
    this.ask(live, ref, input, ({ output, error, usage }) =>
      this.feed(run, {
        ...refOf(ref),
        type: 'completed',
        ...(error === undefined ? { output: output ?? null } : { error }),
        ...(usage && { usage }),
      }),
    );
  }

  /** Asks whoever does the task, and gives the reply when its time has come. */
  private ask({ state, open }: Live, ref: AttemptRef, input: Json, give: (reply: Reply) => void, ofPeople = false): void {
    const step = state.graph.steps[ref.s] as GraphStep;
    const controller = new AbortController();
    open.set(keyOf(ref), controller);
    const work = workOf(state, ref.s, ref.i);
    const reply = this.surroundings.reply({
      kind: ofPeople ? 'approval' : work.kind,
      workflow: state.graph.name,
      run: state.run,
      step: step.key,
      index: ref.i < 0 ? null : ref.i,
      attempt: work.kind === 'model' ? turnsUpTo(state, ref) : ref.n,
      isCalled: step.kind === 'llm' && work.kind !== 'model',
      target: work.target,
      ...(work.skill !== undefined && { skill: work.skill }),
      ...(work.version !== undefined && { version: work.version }),
      input,
      signal: controller.signal,
    });
    const deliver = (came: Reply): void => this.schedule.at(this.schedule.now + (came.afterMs ?? 0), () => give(came));
    if (!(reply instanceof Promise)) return deliver(reply);
    this.underWay++;
    const arrive = (came: Reply): void => {
      this.underWay--;
      this.arrived.push(() => deliver(came));
      this.announce();
    };
    reply.then(arrive, (cause: unknown) => arrive({ error: { code: 'internal', detail: (cause as Error).message } }));
  }

  /** Somebody who may answers as the reply says: `{ approved, by?, data?, comment? }`; without that nobody does. */
  private askPeople(run: string, live: Live, { s, i, n, ask }: Transition & { t: 'asks' }): void {
    const { form } = policyOf(live.state.graph.steps[s] as GraphStep, unitOf(live.state, s, i));
    const { graph } = live.state;
    const input = inputOf(live.state, s, i);
    // Before a call of a model its arguments are shown.
    const shown = graph.steps[s]?.kind === 'llm' ? input : shownOf(input);
    const give = ({ output }: Reply): void => {
      const { approved, by, data = null, comment = null } = (output ?? {}) as { [field: string]: Json | undefined };
      if (typeof approved !== 'boolean') return;
      if (approved || data !== null) checkInput(form, data, 'data');
      const name = typeof by === 'string' ? by : (ask.by?.principals[0] ?? 'local');
      const who = { id: name, name, roles: ['admin', 'operator'], isStarter: false };
      this.feed(run, { type: 'answer', s, i, n, by: who, approved, data, comment: typeof comment === 'string' ? comment : null });
    };
    this.ask(live, { s, i, n }, { message: ask.message, shown }, give, true);
  }

  private startChild(parent: string, live: Live, effect: Effect & { e: 'startChild' }): void {
    const { run: child, s, i, workflow, input, depth, budget, within } = effect;
    const told = (end: { output?: Json; error?: Failure }): void => this.feed(parent, { type: 'childEnded', s, i, child, ...end });
    if (this.runs.size > runsMax) return told({ error: { code: 'limited', isFinal: true, detail: `more than ${runsMax} runs here` } });
    let graph: Graph | undefined;
    let claims: LimitClaim[] = [];
    try {
      graph = this.surroundings.child?.(workflow, input);
      if (graph !== undefined) claims = this.claimsFor(graph, input, within);
      if (graph?.runLimits?.onLimit === 'refuse' && this.places.areFull(claims))
        throw new Fault('limited', `no place of ${claims.map(limitText).join(', ')} is free`, 'Have the step try again.');
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return told({ error: { code: thrown.code, detail: thrown.detail, next: thrown.next } });
    }
    if (graph !== undefined) {
      const given = { ...(budget && { budget }), claims, ...(within && { within }) };
      this.start(child, graph, { type: 'start', input, depth, parent: { run: parent, s, i }, ...given });
      return;
    }
    const n = unitOf(live.state, s, i)?.attempt ?? 1;
    this.ask(live, { s, i, n }, input, ({ output, error }) => told(error === undefined ? { output: output ?? null } : { error }));
  }

  private tellParent(child: string, { parent, status, output, error, budget }: RunState): void {
    if (parent === undefined) return;
    const { run, s, i } = parent;
    const end =
      status === 'succeeded' ? { output: output ?? null } : { error: error ?? { code: 'cancelled', detail: 'the run was cancelled' } };
    this.later(() => this.feed(run, { type: 'childEnded', s, i, child, ...end, ...(budget && { spent: totalOf(budget) }) }));
  }
}

/** Attempts of all turns of a step with `llm`, up to this one. */
function turnsUpTo({ steps }: RunState, { s, i }: AttemptRef): number {
  const { grown = [], units = [] } = steps[s] ?? {};
  return units.slice(0, i + 1).reduce((sum, { attempt }, index) => sum + (grown[index]?.k === 'model' ? attempt : 0), 0);
}

function refOf({ s, i, n }: AttemptRef): AttemptRef {
  return { s, i, n };
}

function keyOf({ s, i, n }: AttemptRef): string {
  return `${s}.${i}.${n}`;
}

/** A seeded source of chance in [0, 1) (mulberry32), so that a run is played the same way each time. */
function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
