import type { Bus } from '@signalbox/shared/bus/bus.js';
import {
  durationRange,
  instancesMeasured,
  measuresMax,
  type InstanceMeasure,
  type TaskFault,
  type VersionMeasure,
} from '@signalbox/shared/contracts/execution/instances-measured.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Failure, Transition, Usage } from '@signalbox/workflow/core/events.js';
import { keyOf, workOf } from '@signalbox/workflow/core/scope.js';
import type { LiveRun } from '../shards/live-run.ts';
import { taskIdOf } from '../dispatch/open-task.ts';

/** Often enough that a bad instance is isolated within a second, seldom enough that ten thousand steps a second cost a few messages. */
const tellMs = 250;
/** Attempts whose beginning is remembered; the end of one that is forgotten counts for nobody. */
const begunMax = 50_000;
/** A task whose executors were lost so often is taken for the reason. */
const poisonAttempts = 3;
const detailMax = 1_000;

/** What says nothing of whoever had the task: it was called off, or rights or limits kept it. */
const nobodysFault = new Set(['cancelled', 'limited', 'forbidden', 'unauthenticated']);

interface Begun {
  agent: string;
  instance: string;
  at: number;
  /** That a rollout chose. */
  version: number | undefined;
}

/** Of one workspace, since it was told last. */
class Counts {
  readonly instances = new Map<string, InstanceMeasure>();
  readonly versions = new Map<string, VersionMeasure>();
  readonly poison: TaskFault[] = [];
  readonly overBudget: TaskFault[] = [];
}

/** Counts how the attempts of instances end, and tells it: the registry isolates those that are far worse than the others. */
export class InstanceTally {
  private readonly begun = new Map<string, Begun>();
  private counts = new Map<string, Counts>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly bus: Bus) {}

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
          if (transition.isLost === true && transition.n >= poisonAttempts) this.note('poison', run, transition, transition.error);
          else if (isOverBudget(transition.error)) this.note('overBudget', run, transition, transition.error);
          break;
        default:
      }
    }
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private begin(run: LiveRun, { s, i, n, instance, at, agent, version }: Transition & { t: 'began' }): void {
    const { kind, target } = workOf(run.state, s, i);
    if (kind !== 'agent') return;
    if (this.begun.size >= begunMax) this.begun.delete(this.begun.keys().next().value as string);
    this.begun.set(taskIdOf(run, { s, i, n }), { agent: agent ?? target, instance, at, version });
  }

  private end(
    run: LiveRun,
    { s, i, n, at, usage }: { s: number; i: number; n: number; at: number; usage?: Usage },
    error: Failure | undefined,
  ): void {
    const id = taskIdOf(run, { s, i, n });
    const begun = this.begun.get(id);
    if (begun === undefined) return;
    this.begun.delete(id);
    if (error !== undefined && isNobodysFault(error)) return;
    const { agent, instance, version } = begun;
    const tookMs = Math.max(0, at - begun.at);
    const { instances, versions } = this.of(run);
    const chosen = version !== undefined && { version };
    const key = `${agent} ${instance} ${version ?? ''}`;
    const measure = instances.get(key) ?? { agent, instance, ...chosen, succeeded: 0, failed: 0, totalMs: 0 };
    const outcome = error === undefined ? 'succeeded' : 'failed';
    measure[outcome]++;
    measure.totalMs += tookMs;
    instances.set(key, measure);
    if (version === undefined) return;
    const ofVersion = versions.get(`${agent} ${version}`) ?? {
      agent,
      version,
      succeeded: 0,
      failed: 0,
      totalMs: 0,
      costUsd: 0,
      durations: [],
    };
    ofVersion[outcome]++;
    ofVersion.totalMs += tookMs;
    ofVersion.costUsd += usage?.costUsd ?? 0;
    const range = durationRange(tookMs);
    while (ofVersion.durations.length <= range) ofVersion.durations.push(0);
    ofVersion.durations[range]!++;
    versions.set(`${agent} ${version}`, ofVersion);
  }

  private note(what: 'poison' | 'overBudget', run: LiveRun, { s, i, n }: { s: number; i: number; n: number }, { detail }: Failure): void {
    const { kind, target } = workOf(run.state, s, i);
    const faults = this.of(run)[what];
    if (kind !== 'agent' || faults.length >= measuresMax) return;
    faults.push({ run: run.id, step: keyOf(run.state, s, i), agent: target, attempt: n, detail: detail.slice(0, detailMax) });
  }

  private of({ facts: { workspace } }: LiveRun): Counts {
    let counts = this.counts.get(workspace);
    if (counts === undefined) this.counts.set(workspace, (counts = new Counts()));
    this.timer ??= setTimeout(() => this.tell(), tellMs);
    return counts;
  }

  private tell(): void {
    this.timer = undefined;
    const told = this.counts;
    this.counts = new Map();
    for (const [workspace, { instances, versions, poison, overBudget }] of told) {
      const all = [...instances.values()];
      const allVersions = [...versions.values()];
      for (let at = 0; at === 0 || at < Math.max(all.length, allVersions.length); at += measuresMax) {
        const faults = at === 0 ? { poison, overBudget } : { poison: [], overBudget: [] };
        try {
          this.bus.publishLive(
            instancesMeasured,
            {
              instances: all.slice(at, at + measuresMax),
              ...(at < allVersions.length && { versions: allVersions.slice(at, at + measuresMax) }),
              ...faults,
            },
            { workspace, entity: workspace },
          );
        } catch (err) {
          log.debug('how instances do was not told', { err });
        }
      }
    }
  }
}

/** Whether it says nothing of whoever had the task. */
export function isNobodysFault({ code }: Failure): boolean {
  return nobodysFault.has(code);
}

/** A budget refuses what would go beyond it, in words that begin so: see `overBudget` of the core. */
function isOverBudget({ code, detail }: Failure): boolean {
  return code === 'limited' && detail.startsWith('budget.');
}
