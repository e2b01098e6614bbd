import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { CallLife } from '@signalbox/shared/bus/call-life.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { labelsMax } from '@signalbox/shared/contracts/execution/start-run.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { currentCall, recordedSpan, traceparentOf } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { isTracing, type SpanRef } from '@signalbox/shared/telemetry/tracing.js';
import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import { sizeOf, type Json } from '@signalbox/workflow/core/json.js';
import type { LimitClaim } from '@signalbox/workflow/core/limits.js';
import { AboveBudgets, moreBudgetOf } from '../budgets/above-budgets.ts';
import { ModelPrices } from '../budgets/model-prices.ts';
import { newRunUuid } from '../journal/identifiers.ts';
import type { LimitedRuns } from '../limits/limited-runs.ts';
import { Engine } from '../shards/engine.ts';
import { AppendLost } from '../shards/live-run.ts';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { Definitions } from '../workflows/definitions.ts';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';
import { scaledWish, type Wished } from '../scale-back/scaled-wish.ts';
import { RunStore } from './run.store.ts';
import { runView } from './run-view.ts';

const inputMaxBytes = 262_144;
/** A grant is for a principal with its rights, whatever run it starts: it is asked for once in this time. */
const grantMs = 600_000;
const grantsMax = 10_000;

/** What a run is started with. */
export interface StartWish {
  /** The workflow's name, or `agent/<name>`. */
  workflow: string;
  definition: Definition;
  /** What is started in its place while capacity is short. */
  smaller?: Wished['smaller'];
  input: Json;
  labels: Record<string, string>;
  timeoutMs?: number | undefined;
  /** From 1 (goes first) to 5. */
  priority?: number | undefined;
  idempotencyKey?: string | undefined;
  /** What a schedule or trigger starts it by: a start key that no caller can give, and the grant that it acts with. */
  source?: { key: string; grant: string } | undefined;
  /** The run that it goes on from, the steps that are done again, by which versions of agents, and what is kept. */
  fork?:
    | { of: string; from: readonly string[]; versions: Readonly<Record<string, number>>; kept: readonly Transition[]; span: SpanRef }
    | undefined;
}

/** Starts runs for callers. */
@Injectable()
export class RunStarter {
  private readonly grants = new Map<string, { grant: Promise<string>; at: number }>();
  private readonly starting = new Map<string, Promise<void>>();

  constructor(
    private readonly engine: Engine,
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly store: RunStore,
    private readonly definitions: Definitions,
    private readonly prices: ModelPrices,
    private readonly above: AboveBudgets,
  ) {}

  /**
   * Starts a run, or finds the one that the same key has started. Resolves when the start is committed. `conflict` when the key was used for
   * another request.
   */
  async start(caller: Caller, wish: StartWish, life: CallLife): Promise<{ uuid: string; view: RunView }> {
    check(wish);
    const { idempotencyKey, source } = wish;
    if (source === undefined && idempotencyKey === undefined) return life.whileAwaited(this.findOrBegin(caller, wish, undefined, life));
    const key = source?.key ?? `${caller.principal} ${idempotencyKey}`;
    // A source's key names one moment or event: what was started for it was, whatever the manifest says by now.
    const requestHash = source?.key ?? hashOf(wish);
    const inFlight = `${caller.workspace} ${key}`;
    // Starts with one key are made one after the other here, whether their callers still wait or not: the next finds what the last has made.
    for (let other = this.starting.get(inFlight); other; other = this.starting.get(inFlight)) await life.whileAwaited(other);
    const start = this.findOrBegin(caller, wish, { key, requestHash }, life);
    const settled = start.then(nothing, nothing).finally(() => this.starting.delete(inFlight));
    this.starting.set(inFlight, settled);
    return life.whileAwaited(start);
  }

  private async findOrBegin(
    caller: Caller,
    wish: StartWish,
    key: { key: string; requestHash: string } | undefined,
    life: CallLife,
  ): Promise<{ uuid: string; view: RunView }> {
    // Where the limit is full, it is perhaps by this very run.
    const mayBeRefused = key && this.definitions.compile(scaledWish(wish).definition).runLimits?.onLimit === 'refuse';
    const known = mayBeRefused ? await this.findKnown(caller, key) : undefined;
    if (known) return known;
    try {
      return await this.begin(caller, wish, key, life);
    } catch (thrown) {
      if (!(thrown instanceof AppendLost)) throw thrown;
      const other = key && (await this.findKnown(caller, key));
      if (other) return other;
      const detail = 'another owner has what was to be started, or another start has its key';
      throw new Fault('unavailable', detail, 'Try again.', { service: 'execution', cause: thrown, retryAfterMs: 100 });
    }
  }

  /** The run that a key has started. `conflict` where that was for another request. */
  private async findKnown(
    { workspace }: Caller,
    { key, requestHash }: { key: string; requestHash: string },
  ): Promise<{ uuid: string; view: RunView } | undefined> {
    const known = await this.store.findStartKey(workspace, key);
    if (!known) return undefined;
    if (known.requestHash !== requestHash)
      throw new Fault('conflict', 'the Idempotency-Key was used for another request', 'Use a new key for a new request.');
    return { uuid: known.run, view: await this.viewOf(workspace, known.run) };
  }

  /** Of what nobody waits for any more, nothing is begun; what is begun goes on. */
  private async begin(
    caller: Caller,
    wish: StartWish,
    key: { key: string; requestHash: string } | undefined,
    life: CallLife,
  ): Promise<{ uuid: string; view: RunView }> {
    const { workspace, principal, name } = caller;
    const { input } = wish;
    const { workflow, definition, labels, insteadOf } = scaledWish(wish);
    const graph = this.definitions.compile(definition);
    checkInput(definition.manifest.spec.input, input);
    // Before anything is done for it: what would only be refused asks nobody.
    await life.whileAwaited(this.engine.shardForStart(workspace));
    const held = wish.source?.grant ?? this.grantOf(caller);
    const budgeting = moreBudgetOf(this.above, this.prices, { workspace, workflow, graph });
    const [grant, , budget] = await life.whileAwaited(Promise.all([held, this.keep(workspace, definition), budgeting]));
    const { uuid, shard, claims } = await this.place(workspace, graph, { input, labels, priority: wish.priority }, life);
    const starting = this.engine.owner.start(
      uuid,
      graph,
      {
        workspace,
        workflow,
        definition: definition.hash,
        shard,
        labels,
        principal,
        principalName: name,
        grant,
        parent: null,
        timeoutMs: Math.min(wish.timeoutMs ?? Infinity, graph.timeoutMs),
        createdAt: new Date(now()),
        ...(key && { key }),
      },
      {
        type: 'start',
        input,
        depth: 0,
        ...(wish.timeoutMs !== undefined && { timeoutMs: wish.timeoutMs }),
        ...(wish.priority !== undefined && { priority: wish.priority }),
        ...(wish.fork && { kept: wish.fork.kept }),
        ...(isTracing() && tracedBy(wish)),
        ...(budget && { budget }),
        ...(insteadOf && { insteadOf }),
        claims,
      },
    );
    starting.catch(() => this.engine.dispatcher.limitedRuns.left(uuid));
    // Seen now, given when committed: what happens in between is not yet known to be kept.
    const run = this.engine.owner.find(uuid);
    const view = run && runView(run.state, run.facts);
    await starting;
    return { uuid, view: view as RunView };
  }

  /** Where it is to live, and the places of limits that it needs. */
  private async place(
    workspace: string,
    graph: Graph,
    scope: Parameters<LimitedRuns['claim']>[3],
    life: CallLife,
  ): Promise<{ uuid: string; shard: number; claims: LimitClaim[] }> {
    const { limitedRuns } = this.engine.dispatcher;
    for (;;) {
      // Asked once more: meanwhile thousands of others may have come, and it would wait behind them.
      const shard = await life.whileAwaited(this.engine.shardForStart(workspace));
      const uuid = newRunUuid(now(), shard);
      const claims = await limitedRuns.claim(uuid, workspace, graph, scope);
      // While others were asked for places, the shard may have gone to another owner, who would not hear of a run that begins there now.
      if (this.engine.owns(shard)) return { uuid, shard, claims };
      limitedRuns.left(uuid);
    }
  }

  /** A run as it stands: live here, or from its journal. */
  private async viewOf(workspace: string, uuid: string): Promise<RunView> {
    const live = this.engine.owner.find(uuid);
    if (live) return runView(live.state, live.facts);
    const read = await this.store.read(workspace, uuid);
    if (!read) throw new Fault('not_found', 'the run of this key is not kept any more', 'Use a new key.');
    return runView(read.state, read.facts);
  }

  private async keep(workspace: string, definition: Definition): Promise<void> {
    if (this.definitions.isStored(workspace, definition.hash)) return;
    await this.db.inWorkspace(workspace, (tx) => this.definitions.store(tx, workspace, definition));
    this.definitions.remember(workspace, definition.hash);
  }

  /** A grant by which this service acts as the caller later. */
  grantOf(caller: Caller): Promise<string> {
    const { workspace, principal, roles, scopes } = caller;
    const key = JSON.stringify([workspace, principal, roles, scopes]);
    const known = this.grants.get(key);
    if (known && performance.now() - known.at < grantMs) return known.grant;
    const grant = this.bus.request(createGrant, { purpose: 'runs' }, caller).then((reply) => reply.grant);
    if (this.grants.size >= grantsMax) this.grants.clear();
    this.grants.set(key, { grant, at: performance.now() });
    grant.catch(() => this.grants.delete(key));
    return grant;
  }
}

function nothing(): void {}

/** Of a run that somebody asked for, the trace goes on; what a schedule or trigger starts has one of its own. */
function tracedBy({ source, fork }: StartWish): { trace?: string; link?: string } {
  const traceparent = currentCall()?.traceparent;
  return {
    ...(source === undefined && recordedSpan(traceparent) && { trace: traceparent as string }),
    ...(fork && { link: traceparentOf(fork.span) }),
  };
}

function check({ input, labels }: StartWish): void {
  if (sizeOf(input, inputMaxBytes) > inputMaxBytes) {
    throw new Fault(
      'invalid',
      `the input has more than ${inputMaxBytes} bytes`,
      'Keep what is large as an artifact and pass its reference.',
      {
        status: 413,
        errors: [{ pointer: '/input', detail: `must have at most ${inputMaxBytes} bytes` }],
      },
    );
  }
  const entries = Object.entries(labels);
  const bad = entries.find(
    ([key, value]) => typeof value !== 'string' || value.length > 255 || key.length > 63 || key.includes('\0') || value.includes('\0'),
  );
  if (bad === undefined && entries.length <= labelsMax) return;
  const detail = bad === undefined ? `must be at most ${labelsMax}` : 'must be a text of at most 255 characters under a name of at most 63';
  throw new Fault('invalid', `the labels are not usable: ${detail}`, 'Correct the labels.', {
    errors: [{ pointer: bad === undefined ? '/labels' : `/labels/${bad[0].slice(0, 63)}`, detail }],
  });
}

function hashOf({ workflow, definition, input, labels, timeoutMs, priority, fork }: StartWish): string {
  // Of a workflow the name counts, not its version: a retry after an apply is the same request.
  const what = workflow.startsWith('agent/') ? definition.hash : workflow;
  const again = fork && {
    fork: [fork.of, ...fork.from],
    ...(Object.keys(fork.versions).length > 0 && { versions: fork.versions }),
  };
  const text = canonicalize({
    what,
    input,
    labels,
    timeoutMs: timeoutMs ?? null,
    ...(priority !== undefined && { priority }),
    ...again,
  }) as unknown as string;
  return createHash('sha256').update(text).digest('base64url');
}
