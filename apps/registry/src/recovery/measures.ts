import type { InstanceMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import type { RecoveryPolicy } from './policy.ts';

/** How far back outcomes count, in milliseconds. */
const windowMs = 30_000;
/** Outcomes are kept by the second. */
const bucketMs = 1_000;
/** Instances that are remembered; beyond, the one that was heard of longest ago is forgotten. */
const instancesMax = 100_000;

/** How an instance has done within the window. */
export interface Outcomes {
  succeeded: number;
  failed: number;
  totalMs: number;
}

/** What is wrong with an instance, in words. */
export interface Outlier {
  instance: string;
  cause: 'errors' | 'slow';
  because: string;
}

interface Bucket extends Outcomes {
  at: number;
}

/** A mean below this is never slow: the difference is of no concern to anybody. */
const slowFloorMs = 250;

/** How the instances of agents did lately, as execution tells it. Moments are monotonic milliseconds. */
export class Measures {
  private readonly buckets = new Map<string, Map<string, Bucket[]>>();
  private instances = 0;

  /** Takes in what came of one instance. `agent` is unique over workspaces. */
  add(agent: string, { instance, succeeded, failed, totalMs }: Omit<InstanceMeasure, 'agent'>, at: number): void {
    const known = this.buckets.get(agent) ?? new Map<string, Bucket[]>();
    // Whoever was heard of last stands last.
    this.buckets.delete(agent);
    this.buckets.set(agent, known);
    const second = Math.floor(at / bucketMs);
    const of = (known.get(instance) ?? []).filter((bucket) => at - bucket.at * bucketMs <= windowMs);
    if (!known.has(instance)) this.instances++;
    const last = of.at(-1);
    if (last?.at === second) {
      last.succeeded += succeeded;
      last.failed += failed;
      last.totalMs += totalMs;
    } else of.push({ at: second, succeeded, failed, totalMs });
    known.set(instance, of);
    while (this.instances > instancesMax && this.buckets.size > 1) this.forgetAgent(this.buckets.keys().next().value as string);
  }

  /** How the agent's instances did within the window; those that did nothing are left out. */
  of(agent: string, at: number): Map<string, Outcomes> {
    const found = new Map<string, Outcomes>();
    for (const [instance, buckets] of this.buckets.get(agent) ?? []) {
      const sum = { succeeded: 0, failed: 0, totalMs: 0 };
      for (const bucket of buckets) {
        if (at - bucket.at * bucketMs > windowMs) continue;
        sum.succeeded += bucket.succeeded;
        sum.failed += bucket.failed;
        sum.totalMs += bucket.totalMs;
      }
      if (sum.succeeded + sum.failed > 0) found.set(instance, sum);
    }
    return found;
  }

  /** Forgets what an instance did before: it begins anew. */
  forget(agent: string, instance: string): void {
    if (this.buckets.get(agent)?.delete(instance) === true) this.instances--;
  }

  private forgetAgent(agent: string): void {
    this.instances -= this.buckets.get(agent)?.size ?? 0;
    this.buckets.delete(agent);
  }
}

/**
 * Instances that do far worse than the others of their agent: what fails everywhere is the agent's fault or the tasks', and no reason to isolate one.
 * An instance without others to compare with is none.
 */
export function outliersOf(
  outcomes: ReadonlyMap<string, Outcomes>,
  { errorShare, slowFactor, calls }: Pick<RecoveryPolicy, 'errorShare' | 'slowFactor' | 'calls'>,
): Outlier[] {
  const found: Outlier[] = [];
  for (const [instance, own] of outcomes) {
    const others = [...outcomes].filter(([other]) => other !== instance).map(([, each]) => each);
    const ended = countOf(own);
    if (ended < calls || sumOf(others, countOf) < calls) continue;
    const share = own.failed / ended;
    // The median: one more that is bad must not make this one look well.
    const usual = medianOf(others.map((each) => each.failed / countOf(each)));
    if (share >= errorShare && usual < errorShare / 2) {
      const because = `${own.failed} of its last ${ended} tasks failed, of the others' ${Math.round(usual * 100)} %`;
      found.push({ instance, cause: 'errors', because });
      continue;
    }
    const mean = own.totalMs / ended;
    const usualMs = medianOf(others.map((each) => each.totalMs / countOf(each)));
    if (mean >= slowFloorMs && mean >= usualMs * slowFactor) {
      const because = `its last ${ended} tasks took ${Math.round(mean)} ms each, the others' ${Math.round(usualMs)} ms`;
      found.push({ instance, cause: 'slow', because });
    }
  }
  return found;
}

function countOf({ succeeded, failed }: Outcomes): number {
  return succeeded + failed;
}

function sumOf(all: readonly Outcomes[], of: (one: Outcomes) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
