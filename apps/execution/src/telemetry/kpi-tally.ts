import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { KpiReporter } from '@signalbox/shared/kpi/kpi-reporter.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { AttemptRef, Failure, Transition } from '@signalbox/workflow/core/events.js';
import { workOf } from '@signalbox/workflow/core/scope.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import { taskIdOf } from '../dispatch/open-task.ts';
import type { LiveRun } from '../shards/live-run.ts';
import { isNobodysFault } from './instance-tally.ts';
import { togetherOf } from './together.ts';

/** Attempts that are followed at once, here; of those that are forgotten nothing is measured. */
const attemptsMax = 50_000;

interface Begun {
  agent: string;
  version: number | undefined;
  at: number;
}

/**
 * Measures what KPIs are made of, at the owner of a run: how long a step that could begin took until its executor had it, but for the time in which no
 * executor was free; how attempts of agents end; how runs of several agents do against their longest path and against one agent.
 */
@Injectable()
export class KpiTally implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly reporter: KpiReporter;
  /** By task: what was added so far, in milliseconds. */
  private readonly added = new Map<string, number>();
  /** By task: to which version of its agent it was handed. */
  private readonly versions = new Map<string, number>();
  private readonly begun = new Map<string, Begun>();

  constructor(bus: Bus) {
    this.reporter = new KpiReporter(bus);
  }

  onApplicationBootstrap(): void {
    this.reporter.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.reporter.stop();
  }

  /** An attempt is handed to its queue, right after it was written down that it can begin. */
  dispatched(run: LiveRun, ref: AttemptRef): void {
    const queuedAt = unitOf(run.state, ref.s, ref.i)?.queuedAt;
    if (queuedAt !== undefined) bounded(this.added).set(taskIdOf(run, ref), Math.max(0, now() - queuedAt));
  }

  /** It was handed to this version of its agent, where that is known. */
  handed(task: string, version: number | undefined): void {
    if (version === undefined) this.versions.delete(task);
    else bounded(this.versions).set(task, version);
  }

  /** Its executor has it, so long after it was handed over. */
  accepted(task: string, ms: number): void {
    const before = this.added.get(task);
    if (before !== undefined) this.added.set(task, before + ms);
  }

  /** Counts what has happened to a run. */
  committed(run: LiveRun, transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      switch (transition.t) {
        case 'began':
          this.begin(run, transition);
          break;
        case 'succeeded':
          this.end(run, transition, undefined);
          break;
        case 'retrying':
        case 'seeking':
        case 'degraded':
        case 'failed':
          this.end(run, transition, transition.error);
          break;
        case 'ended':
          if (transition.status === 'succeeded') this.together(run);
          break;
        default:
      }
    }
  }

  private begin(run: LiveRun, { s, i, n, at, agent }: Transition & { t: 'began' }): void {
    const id = taskIdOf(run, { s, i, n });
    const { kind, target } = workOf(run.state, s, i);
    const { workspace } = run.facts;
    const who = kind === 'agent' ? (agent ?? target) : undefined;
    const value = this.added.get(id);
    this.added.delete(id);
    if (value !== undefined) this.reporter.observe({ workspace, kpi: 'latency', ...(who !== undefined && { agent: who }), value });
    if (who !== undefined) bounded(this.begun).set(id, { agent: who, version: this.versions.get(id), at });
    this.versions.delete(id);
  }

  private end(run: LiveRun, { s, i, n, at }: AttemptRef & { at: number }, error: Failure | undefined): void {
    const id = taskIdOf(run, { s, i, n });
    this.added.delete(id);
    this.versions.delete(id);
    const begun = this.begun.get(id);
    if (begun === undefined) return;
    this.begun.delete(id);
    if (error !== undefined && isNobodysFault(error)) return;
    const { agent, version } = begun;
    const { workspace } = run.facts;
    this.reporter.observe({
      workspace,
      kpi: 'agent-errors',
      agent,
      version,
      value: Math.max(0, at - begun.at),
      isBad: error !== undefined,
    });
  }

  private together({ state, facts: { workspace } }: LiveRun): void {
    const found = togetherOf(state);
    if (found === null) return;
    this.reporter.observe({ workspace, kpi: 'longest-path', value: found.againstPath });
    this.reporter.observe({ workspace, kpi: 'single-agent', value: found.againstOne });
  }
}

/** The oldest goes where there are too many. */
function bounded<T>(map: Map<string, T>): Map<string, T> {
  if (map.size >= attemptsMax) map.delete(map.keys().next().value as string);
  return map;
}
