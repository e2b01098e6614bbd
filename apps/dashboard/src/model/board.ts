import type { Board, BoardAgent, PlannedAgent } from '@signalbox/sdk/client/deployments.js';
import { listed } from './text.ts';
import { formatDays } from './time.ts';

/** Statuses in the order in which a sentence about a board names them: what is over first, what hurts last but always there. */
const statusOrder = ['done', 'active', 'starting', 'ready', 'waiting', 'parallel', 'degraded', 'isolated', 'failed'];

/** How a deployment stands, in one sentence without its age: `8.0 days left, between 7 and 9 · 1 done, 1 active`. */
export function boardSentence(agents: readonly BoardAgent[]): string {
  if (agents.length === 0) return 'No agents in this deployment.';
  const counts = new Map<string, number>();
  for (const { status } of agents) counts.set(status, (counts.get(status) ?? 0) + 1);
  if (counts.get('done') === agents.length)
    return `Complete: ${agents.length === 1 ? 'its agent is' : `all ${agents.length} ${agents.some(({ kind }) => kind) ? 'members' : 'agents'} are`} up`;
  const known = [...statusOrder, ...[...counts.keys()].filter((status) => !statusOrder.includes(status))];
  const parts = known.flatMap((status) => (counts.has(status) ? [`${counts.get(status)} ${status}`] : []));
  const left = daysLeft(agents);
  return [...(left ? [left] : []), parts.join(', ')].join(' · ');
}

/** What is left in all: the latest end of its agents. `null` where nothing is left or nothing is estimated. */
export function daysLeft(agents: readonly BoardAgent[]): string | null {
  const etas = agents.flatMap(({ eta }) => (eta ? [eta.days] : []));
  if (etas.length === 0) return null;
  const low = Math.max(...etas.map(([from]) => from));
  const high = Math.max(...etas.map(([, to]) => to));
  if (high < 0.05) return `${formatDays([low, high])} left`;
  const middle = Math.max(...etas.map(([from, to]) => (from + to) / 2));
  const shown = `${middle.toFixed(1)} days left`;
  return low.toFixed(1) === high.toFixed(1) ? shown : `${shown}, between ${short(low)} and ${short(high)}`;
}

/** What a slip does to the whole: `All is done 0.5 days later, in 8.5 days: now agent-registry → workflow-execution is the longest path.` */
export function slipOf(now: Board, then: Board): string {
  const moved = then.remainingDays - now.remainingDays;
  const path = then.criticalPath.join(' → ');
  const isOther = path !== now.criticalPath.join(' → ');
  const end = `in ${formatDays([then.remainingDays, then.remainingDays])}`;
  const how =
    Math.abs(moved) < 1e-3 ? `as soon as now` : `${formatDays([Math.abs(moved), Math.abs(moved)])} ${moved < 0 ? 'sooner' : 'later'}`;
  return `All is done ${how}, ${end}${isOther && path !== '' ? `; the longest path is then ${path}` : ''}.`;
}

function short(days: number): string {
  return days.toFixed(1).replace(/\.0$/, '');
}

/** What an agent waits for, in words: `agent-registry and protocol-manager`. */
export function waitsFor({ waitingFor }: Pick<BoardAgent, 'waitingFor'>): string {
  return waitingFor.length === 0 ? 'nothing' : listed(waitingFor.map(({ on }) => thingOf(on)));
}

/** What a dependency is called in a sentence: `service:bus` is the message bus, `mcp-server:files` the MCP server files; an agent is its name. */
export function thingOf(dependency: string): string {
  const { kind, name } = partsOf(dependency);
  if (kind === 'service' && name === 'bus') return 'message bus';
  return kind === '' || kind === 'agent' ? name : `${kind === 'mcp-server' ? 'MCP server' : kind} ${name}`;
}

const kindWords: Record<string, string> = {
  'mcp-server': 'MCP server',
  workflow: 'workflow',
  secret: 'secret',
  'context-store': 'context store',
  migration: 'migration',
};

/** What a member is, in a word; an agent needs none. */
export function kindWord({ kind }: Pick<BoardAgent, 'kind'>): string | null {
  return kind === undefined ? null : (kindWords[kind] ?? kind);
}

/** The page of what is behind a member; null where it has none. */
export function memberHref({ kind, agent }: Pick<BoardAgent, 'kind' | 'agent'>): string | null {
  const name = encodeURIComponent(agent);
  if (kind === undefined) return `/agents/${name}`;
  if (kind === 'mcp-server') return `/mcp-servers/${name}`;
  if (kind === 'workflow') return `/workflows/${name}`;
  return kind === 'secret' ? '/secrets' : null;
}

/** What a start disturbs, in a sentence; empty: nothing. */
export function disturbance({ disturbs }: Pick<PlannedAgent, 'disturbs'>): string {
  if (!disturbs) return '';
  const { tasks, deployments } = disturbs;
  const parts = [
    ...(tasks > 0 ? [`${tasks === 1 ? '1 task is' : `${tasks} tasks are`} finished first`] : []),
    ...(deployments.length > 0 ? [`${listed(deployments, 5)} ${deployments.length === 1 ? 'has' : 'have'} it too`] : []),
  ];
  return ` It disturbs: ${parts.join('; ')}.`;
}

/** Its shortest name, where there is no room for a sentence. */
export function shortNameOf(dependency: string): string {
  const { kind, name } = partsOf(dependency);
  return kind === 'service' ? thingOf(dependency) : name;
}

function partsOf(dependency: string): { kind: string; name: string } {
  const colon = dependency.indexOf(':');
  return colon < 0 ? { kind: '', name: dependency } : { kind: dependency.slice(0, colon), name: dependency.slice(colon + 1) };
}

/** The lines that the end of the deployment hangs on: into each critical agent from that of its dependencies which ends last. */
export function criticalLines({ agents }: Pick<Board, 'agents'>): Set<string> {
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  const lines = new Set<string>();
  for (const agent of agents) {
    if (!agent.critical) continue;
    const ends = agent.dependsOn.flatMap((name) => {
      const before = byName.get(name);
      if (!before || !(before.critical || before.status === 'done')) return [];
      return [{ name, end: before.eta ? (before.eta.days[0] + before.eta.days[1]) / 2 : 0 }];
    });
    const last = Math.max(...ends.map(({ end }) => end));
    for (const { name, end } of ends) if (last - end < 0.01) lines.add(lineKey(name, agent.name));
  }
  return lines;
}

export function lineKey(from: string, to: string): string {
  return `${from}\u0000${to}`;
}

/** One link in a chain of causes: who waits, on what, why; deeper links answer "and why is that not there?". */
export interface Cause {
  on: string;
  because: string;
  status: string | null;
  depth: number;
}

/** Why an agent waits, down to what can be acted on. Each thing is named once. */
export function causesOf(agents: readonly BoardAgent[], name: string): Cause[] {
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  const causes: Cause[] = [];
  const seen = new Set([name]);
  const visit = (agent: BoardAgent | undefined, depth: number): void => {
    for (const { on, because } of agent?.waitingFor ?? []) {
      if (seen.has(on)) continue;
      seen.add(on);
      const next = byName.get(on);
      causes.push({ on, because, status: next?.status ?? null, depth });
      visit(next, depth + 1);
    }
  };
  visit(byName.get(name), 0);
  return causes;
}

/** Who waits for an agent, directly. */
export function dependantsOf(agents: readonly BoardAgent[], name: string): string[] {
  return agents.filter(({ dependsOn }) => dependsOn.includes(name)).map((agent) => agent.name);
}

/** `Unblocks a, b and c.`, with what it is because of. */
export function actionReason(because: string, unblocks: readonly string[]): string {
  const reason = because.trim().replace(/\.?$/, '.');
  const first = reason.charAt(0).toUpperCase() + reason.slice(1);
  if (unblocks.length === 0 || /unblocks/i.test(reason)) return first;
  return `${first} Unblocks ${listed(unblocks, 5)}.`;
}

/** `Start mcp-server-manager`: what to do to which agent. */
export function actionTitle({ action, agent }: { action: string; agent: string }): string {
  return `${action.charAt(0).toUpperCase()}${action.slice(1)} ${agent}`;
}

export const withinWords: Record<string, string> = { now: 'Now', '24h': '24 h', '72h': '72 h', week: 'Week' };
