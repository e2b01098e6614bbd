import type { InstanceMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import type { RecoveryPolicy } from './policy.ts';

/** How far back outcomes count, in milliseconds. */
const windowMs = 30_000;
/** Outcomes are kept by the second. */
const bucketMs = 1_000;
/** Instances that are remembered; beyond, the one that was heard of longest ago is forgotten. */
const instancesMax = 100_000;

/** What was told last is kept as it was told, at most so many times. */
const lastMax = 32;

interface Outcome {
  succeeded: number;
  failed: number;
  totalMs: number;
}

/** How an instance has done within the window. */
export interface Outcomes extends Outcome {
  /** What came last of it, the newest at the end. */
  last: readonly Outcome[];
}

/** What is wrong with an instance, in words. */
export interface Outlier {
  instance: string;
  cause: 'errors' | 'slow';
  because: string;
}

interface Bucket extends Outcome {
  at: number;
}

interface Of {
  buckets: Bucket[];
  last: (Outcome & { at: number })[];
}

/** Of its newest tasks so many must have failed, or they must have been so much slower still: they are few, and looked at often. */
const lastErrorShare = 0.9;
const lastSlowness = 2;

/** A mean below this is never slow: the difference is of no concern to anybody. */
const slowFloorMs = 250;

/** How the instances of agents did lately, as execution tells it. Moments are monotonic milliseconds. */
export class Measures {
  private readonly all = new Map<string, Map<string, Of>>();
  private instances = 0;

  /** Takes in what came of one instance. `agent` is unique over workspaces. */
  add(agent: string, { instance, succeeded, failed, totalMs }: Omit<InstanceMeasure, 'agent'>, at: number): void {
    const known = this.all.get(agent) ?? new Map<string, Of>();
    // Whoever was heard of last stands last.
    this.all.delete(agent);
    this.all.set(agent, known);
    const isIn = (moment: number): boolean => at - moment <= windowMs;
    const second = Math.floor(at / bucketMs);
    const before = known.get(instance);
    if (before === undefined) this.instances++;
    const buckets = (before?.buckets ?? []).filter((bucket) => isIn(bucket.at * bucketMs));
    const last = buckets.at(-1);
    if (last?.at === second) {
      last.succeeded += succeeded;
      last.failed += failed;
      last.totalMs += totalMs;
    } else buckets.push({ at: second, succeeded, failed, totalMs });
    const told = [...(before?.last ?? []).filter((each) => isIn(each.at)), { at, succeeded, failed, totalMs }].slice(-lastMax);
    known.set(instance, { buckets, last: told });
    while (this.instances > instancesMax && this.all.size > 1) this.forgetAgent(this.all.keys().next().value as string);
  }

  /** How the agent's instances did within the window; those that did nothing are forgotten: each process that is started has another name. */
  of(agent: string, at: number): Map<string, Outcomes> {
    const found = new Map<string, Outcomes>();
    for (const [instance, { buckets, last }] of this.all.get(agent) ?? []) {
      const recent = buckets.filter((bucket) => at - bucket.at * bucketMs <= windowMs);
      if (recent.length === 0) this.forget(agent, instance);
      const sum = sumUp(recent);
      if (countOf(sum) > 0) found.set(instance, { ...sum, last: last.filter((each) => at - each.at <= windowMs) });
    }
    return found;
  }

  /** Forgets what an instance did before: it begins anew. */
  forget(agent: string, instance: string): void {
    if (this.all.get(agent)?.delete(instance) === true) this.instances--;
  }

  private forgetAgent(agent: string): void {
    this.instances -= this.all.get(agent)?.size ?? 0;
    this.all.delete(agent);
  }
}

/**
 * Instances that do far worse than the others of their agent: what fails everywhere is the agent's fault or the tasks', and no reason to isolate one.
 * An instance without others to compare with is none. Each is judged by all that it did within the window, and by what it did last: one that has just
 * gone bad is not excused by the hundred tasks that it did well before.
 */
export function outliersOf(
  outcomes: ReadonlyMap<string, Outcomes>,
  policy: Pick<RecoveryPolicy, 'errorShare' | 'slowFactor' | 'calls'>,
): Outlier[] {
  const found: Outlier[] = [];
  for (const [instance, own] of outcomes) {
    const others = [...outcomes].filter(([other]) => other !== instance).map(([, each]) => each);
    if (countOf(own) < policy.calls || countOf(sumUp(others)) < policy.calls) continue;
    const outlier = judge(own, others, policy) ?? judgeLast(own, others, policy);
    if (outlier !== undefined) found.push({ instance, ...outlier });
  }
  return found;
}

type Judgement = Omit<Outlier, 'instance'> | undefined;

function judge(
  own: Outcome,
  others: readonly Outcome[],
  { errorShare, slowFactor }: Pick<RecoveryPolicy, 'errorShare' | 'slowFactor'>,
): Judgement {
  const ended = countOf(own);
  // The median: one more that is bad must not make this one look well.
  const usual = medianOf(others.map((each) => each.failed / countOf(each)));
  if (own.failed / ended >= errorShare && usual < errorShare / 2) {
    return { cause: 'errors', because: `${own.failed} of its last ${ended} tasks failed, of the others' ${Math.round(usual * 100)} %` };
  }
  const mean = own.totalMs / ended;
  const usualMs = medianOf(others.map((each) => each.totalMs / countOf(each)));
  if (mean < slowFloorMs || mean < usualMs * slowFactor) return undefined;
  return { cause: 'slow', because: `its last ${ended} tasks took ${Math.round(mean)} ms each, the others' ${Math.round(usualMs)} ms` };
}

/**
 * By the newest of its tasks, of which there must be twice as many as `calls`, since one looks several times a second: of instances that fail in one
 * of twenty tasks, one in a million looks would find nine of ten that failed by chance.
 */
function judgeLast(
  own: Outcomes,
  others: readonly Outcome[],
  { errorShare, slowFactor, calls }: Pick<RecoveryPolicy, 'errorShare' | 'slowFactor' | 'calls'>,
): Judgement {
  const newest: Outcome[] = [];
  for (const each of own.last.toReversed()) {
    newest.push(each);
    if (countOf(sumUp(newest)) >= 2 * calls)
      return judge(sumUp(newest), others, { errorShare: Math.max(errorShare, lastErrorShare), slowFactor: lastSlowness * slowFactor });
  }
  return undefined;
}

function countOf({ succeeded, failed }: Outcome): number {
  return succeeded + failed;
}

function sumUp(all: readonly Outcome[]): Outcome {
  const sum = { succeeded: 0, failed: 0, totalMs: 0 };
  for (const { succeeded, failed, totalMs } of all) {
    sum.succeeded += succeeded;
    sum.failed += failed;
    sum.totalMs += totalMs;
  }
  return sum;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
