import type { BoardAgent } from '@signalbox/sdk/client/deployments.js';

/** One bar of a deployment's plan, in days from now: what remains of an agent, at the middle of its estimate. */
export interface GanttBar {
  name: string;
  status: string;
  critical: boolean;
  /** Days from now; 0 for what has begun. */
  start: number;
  end: number;
  /** The end at the high estimate. */
  latest: number;
  slack: number;
}

/** The plan of what remains: an agent ends at its ETA and begins when the last of what it waits for has ended. Done ones have no bar. */
export function ganttOf(agents: readonly BoardAgent[]): { bars: GanttBar[]; days: number } {
  const ends = new Map(agents.map(({ name, eta }) => [name, eta ? (eta.days[0] + eta.days[1]) / 2 : 0]));
  const bars = agents.flatMap(({ name, status, critical, eta, slackDays, dependsOn }) => {
    if (!eta) return [];
    const end = ends.get(name) ?? 0;
    const start = Math.min(end, Math.max(0, ...dependsOn.map((other) => ends.get(other) ?? 0)));
    return [{ name, status, critical, start, end, latest: Math.max(end, eta.days[1]), slack: slackDays ?? 0 }];
  });
  bars.sort((a, b) => a.start - b.start || a.end - b.end || a.name.localeCompare(b.name));
  return { bars, days: Math.max(0, ...bars.map(({ latest, end, slack }) => Math.max(latest, end + slack))) };
}
