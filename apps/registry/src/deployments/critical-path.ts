import { byText, inOrder, type GraphNode } from './graph.ts';

/** A piece of work: `days` is what remains of it. */
export interface Work extends GraphNode {
  days: number;
}

/** When a piece of work can and must happen, in days from now. */
export interface Schedule {
  earliestStart: number;
  earliestFinish: number;
  latestStart: number;
  latestFinish: number;
  /** How long it may slip without moving the end of the whole. */
  slack: number;
}

export interface CriticalPath {
  /** Days until all work is done, with hands for everything that can go side by side. */
  days: number;
  schedules: Map<string, Schedule>;
  /** One longest path from its first to its last work, the first in order of names. */
  path: string[];
}

/** Sums of days that differ by less than this (0.1 s) are the same. */
const tolerance = 1e-6;

/**
 * The critical path method: a pass forward for the earliest moments, one back for the latest. Throws on a cycle. Work that is done is to be left
 * out; names in `needs` that are not in `work` count as done.
 */
export function criticalPathOf(work: readonly Work[]): CriticalPath {
  const ordered = inOrder(work);
  const schedules = new Map<string, Schedule>();
  const dependants = new Map<string, Work[]>();
  for (const item of ordered) {
    let earliestStart = 0;
    for (const need of new Set(item.needs)) {
      const before = schedules.get(need);
      if (before === undefined) continue;
      earliestStart = Math.max(earliestStart, before.earliestFinish);
      const list = dependants.get(need);
      if (list === undefined) dependants.set(need, [item]);
      else list.push(item);
    }
    schedules.set(item.name, { earliestStart, earliestFinish: earliestStart + item.days, latestStart: 0, latestFinish: 0, slack: 0 });
  }
  let days = 0;
  for (const { earliestFinish } of schedules.values()) days = Math.max(days, earliestFinish);
  for (const item of ordered.toReversed()) {
    const schedule = schedules.get(item.name)!;
    schedule.latestFinish = days;
    for (const after of dependants.get(item.name) ?? []) {
      schedule.latestFinish = Math.min(schedule.latestFinish, schedules.get(after.name)!.latestStart);
    }
    schedule.latestStart = schedule.latestFinish - item.days;
    const slack = schedule.latestStart - schedule.earliestStart;
    schedule.slack = slack < tolerance ? 0 : slack;
  }
  return { days, schedules, path: longestPath(ordered, schedules, dependants) };
}

/** Whether work has no slack. */
export function isCritical(schedule: Schedule): boolean {
  return schedule.slack < tolerance;
}

function longestPath(ordered: Work[], schedules: Map<string, Schedule>, dependants: Map<string, Work[]>): string[] {
  const path: string[] = [];
  let candidates = ordered.filter((item) => !item.needs.some((need) => schedules.has(need)));
  let at = 0;
  for (;;) {
    const next = candidates
      .filter(({ name }) => isCritical(schedules.get(name)!) && Math.abs(schedules.get(name)!.earliestStart - at) < tolerance)
      .sort((left, right) => byText(left.name, right.name))[0];
    if (next === undefined) return path;
    path.push(next.name);
    at = schedules.get(next.name)!.earliestFinish;
    candidates = dependants.get(next.name) ?? [];
  }
}
