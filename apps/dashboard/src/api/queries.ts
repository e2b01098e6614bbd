import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { ApprovalQuery } from '@signalbox/sdk/client/approvals.js';
import type { EvalOutcome } from '@signalbox/sdk/client/evals.js';
import type { EvidenceQuery } from '@signalbox/sdk/client/evidence.js';
import type { IncidentQuery } from '@signalbox/sdk/client/incidents.js';
import type { KpiQuery } from '@signalbox/sdk/client/kpis.js';
import type { NotificationQuery } from '@signalbox/sdk/client/notifications.js';
import type { LimitQuery } from '@signalbox/sdk/client/limits.js';
import type { RunOrder } from '@signalbox/sdk/client/run-operations.js';
import type { RunQuery } from '@signalbox/sdk/client/runs.js';
import type { Preview } from '@signalbox/sdk/client/schedules.js';
import type { UsagePage, UsageQuery } from '@signalbox/sdk/client/usage.js';
import { client, keys, principals, wholeRun, wholeState } from './client.ts';

/** Rows asked for at a time in endless lists. */
const pageRows = 100;
/** A list that is read whole (to sort, count and find in it) stops here; beyond that one searches. */
const listMax = 10_000;
/** As many as are kept of one schedule or trigger. */
const firingsMax = 500;
/** Open approvals are counted up to here. */
const countMax = 100;

/** Rows of usage that a page shows at most. */
const usageMax = 2_000;

/** What was used, with all of its rows up to 2,000. */
async function wholeUsage(query: UsageQuery, signal: AbortSignal): Promise<UsagePage & { isCut: boolean }> {
  const first = await client.usage.page({ ...query, limit: 200 }, { signal });
  const data = [...first.data];
  let cursor = first.nextCursor;
  while (cursor !== null && data.length < usageMax) {
    const more = await client.usage.page({ ...query, limit: 200, cursor }, { signal });
    data.push(...more.data);
    cursor = more.nextCursor;
  }
  return { ...first, data, isCut: cursor !== null };
}

/** Every query of the dashboard. The keys are those that `staleAfter` names. */
export const queries = {
  whoami: () =>
    queryOptions({ queryKey: ['whoami'], queryFn: ({ signal }) => client.system.whoami({ signal }), retry: false, staleTime: 60_000 }),
  deployments: () =>
    queryOptions({ queryKey: ['deployments'], queryFn: ({ signal }) => client.deployments.list({ limit: 200 }, { signal }).take(listMax) }),
  deployment: (name: string) =>
    queryOptions({ queryKey: ['board', name, 'manifest'], queryFn: ({ signal }) => client.deployments.get(name, { signal }) }),
  board: (name: string) => queryOptions({ queryKey: ['board', name], queryFn: ({ signal }) => client.deployments.board(name, { signal }) }),
  scale: (name: string) =>
    queryOptions({
      queryKey: ['agent', name, 'scale'],
      queryFn: ({ signal }) => client.agents.scale(name, { signal }),
      refetchInterval: 5_000,
    }),
  drift: (name: string) =>
    queryOptions({ queryKey: ['board', name, 'drift'], queryFn: ({ signal }) => client.deployments.drift(name, { signal }) }),
  /** The board as it would be if one agent took so many days more. */
  boardIf: (name: string, agent: string, days: number) =>
    queryOptions({
      queryKey: ['board', name, 'if', agent, days],
      queryFn: ({ signal }) => client.deployments.boardIf(name, { [agent]: days }, { signal }),
      retry: false,
    }),
  runs: (filters: RunQuery) =>
    infiniteQueryOptions({
      queryKey: ['runs', 'list', filters],
      queryFn: ({ signal, pageParam }) =>
        client.runs.list({ ...filters, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  latestRuns: (filters: RunQuery, limit: number) =>
    queryOptions({
      queryKey: ['runs', 'latest', filters, limit],
      queryFn: async ({ signal }) => (await client.runs.list({ ...filters, limit }, { signal }).first()).data,
    }),
  runProblems: (q: string) =>
    infiniteQueryOptions({
      queryKey: ['runs', 'problems', q],
      queryFn: ({ signal, pageParam }) =>
        client.runs.problems({ ...(q && { q }), limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  /** What stands in limits and queues changes without events: it is asked for again. */
  limits: (filters: LimitQuery) =>
    infiniteQueryOptions({
      queryKey: ['limits', filters],
      queryFn: ({ signal, pageParam }) => client.limits.page({ ...filters, limit: pageRows, cursor: pageParam ?? undefined }, { signal }),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
      refetchInterval: 3_000,
    }),
  incidents: (filters: IncidentQuery) =>
    infiniteQueryOptions({
      queryKey: ['incidents', filters],
      queryFn: ({ signal, pageParam }) =>
        client.incidents.list({ ...filters, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  incident: (id: string) => queryOptions({ queryKey: ['incident', id], queryFn: ({ signal }) => client.incidents.get(id, { signal }) }),
  /** What is sent changes without events that pages hear: it is asked for again. */
  notifications: (filters: NotificationQuery) =>
    infiniteQueryOptions({
      queryKey: ['notifications', filters],
      queryFn: ({ signal, pageParam }) =>
        client.notifications.list({ ...filters, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
      refetchInterval: 5_000,
    }),
  channels: () =>
    queryOptions({
      queryKey: ['channels'],
      queryFn: ({ signal }) => client.channels.list({ limit: 200 }, { signal }).take(listMax),
      refetchInterval: 5_000,
    }),
  notificationRules: () =>
    queryOptions({
      queryKey: ['notification-rules'],
      queryFn: ({ signal }) => client.notificationRules.list({ limit: 200 }, { signal }).take(listMax),
    }),
  budgets: () =>
    queryOptions({
      queryKey: ['budgets'],
      queryFn: ({ signal }) => client.budgets.list({ limit: 200 }, { signal }).take(listMax),
      // What is spent changes without an event.
      refetchInterval: 5_000,
    }),
  usage: (query: UsageQuery) =>
    queryOptions({ queryKey: ['usage', query], queryFn: ({ signal }) => wholeUsage(query, signal), refetchInterval: 30_000 }),
  /** What is measured changes all the time, by the minute. */
  kpis: (query: KpiQuery) =>
    queryOptions({ queryKey: ['kpis', query], queryFn: ({ signal }) => client.kpis.get(query, { signal }), refetchInterval: 30_000 }),
  gates: () => queryOptions({ queryKey: ['gates'], queryFn: ({ signal }) => client.gates.list({ limit: 200 }, { signal }).take(listMax) }),
  /** Which runs an order means; looked up anew each time it is about to be given. */
  runOrder: (order: RunOrder) =>
    queryOptions({
      queryKey: ['run-order', order],
      queryFn: ({ signal }) => client.runOperations.preview(order, { signal }),
      staleTime: 0,
      gcTime: 0,
    }),
  runOperations: () =>
    queryOptions({
      queryKey: ['runs', 'operations'],
      queryFn: async ({ signal }) => (await client.runOperations.list({ limit: 20 }, { signal }).first()).data,
      // Their progress has no event.
      refetchInterval: ({ state }) => (state.data?.some(({ status }) => status === 'running') ? 1_000 : false),
    }),
  runOperation: (id: string) =>
    queryOptions({ queryKey: ['runs', 'operations', id], queryFn: ({ signal }) => client.runOperations.get(id, { signal }) }),
  run: (id: string) => queryOptions({ queryKey: ['run', id], queryFn: ({ signal }) => wholeRun(id, signal) }),
  approvals: (filters: ApprovalQuery) =>
    infiniteQueryOptions({
      queryKey: ['approvals', 'list', filters],
      queryFn: ({ signal, pageParam }) =>
        client.approvals.list({ ...filters, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  openApprovals: () =>
    queryOptions({
      queryKey: ['approvals', 'open'],
      queryFn: async ({ signal }) => (await client.approvals.list({ status: 'open', limit: countMax }, { signal }).first()).data,
    }),
  approval: (id: string) => queryOptions({ queryKey: ['approval', id], queryFn: ({ signal }) => client.approvals.get(id, { signal }) }),
  runStep: (id: string, key: string) =>
    queryOptions({ queryKey: ['run', id, 'step', key], queryFn: ({ signal }) => client.runs.step(id, key, { signal }) }),
  /** What was, stays so. */
  runState: (id: string, seq: number) =>
    queryOptions({
      queryKey: ['run-state', id, seq],
      queryFn: ({ signal }) => wholeState(id, seq, signal),
      staleTime: Infinity,
      gcTime: 60_000,
    }),
  runComparison: (id: string, other: string) =>
    infiniteQueryOptions({
      queryKey: ['run', id, 'compare', other],
      queryFn: ({ signal, pageParam }) => client.runs.compare(id, other, { limit: pageRows, cursor: pageParam ?? undefined }, { signal }),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  runWhy: (id: string, key?: string) =>
    queryOptions({
      queryKey: ['run', id, 'why', key ?? ''],
      queryFn: ({ signal }) => client.runs.why(id, key, { signal }),
      // Who holds a place, and whether a worker is there, change without an event of this run.
      refetchInterval: 5_000,
    }),
  runArtifacts: (id: string) =>
    queryOptions({
      queryKey: ['run', id, 'artifacts'],
      queryFn: async ({ signal }) => (await client.artifacts.list({ run: id, limit: 50 }, { signal }).first()).data,
    }),
  artifactText: (id: string) =>
    queryOptions({
      queryKey: ['artifact', id, 'text'],
      queryFn: ({ signal }) => client.artifacts.text(id, { signal }),
      staleTime: Infinity,
    }),
  agents: () =>
    queryOptions({ queryKey: ['agents'], queryFn: ({ signal }) => client.agents.list({ limit: 200 }, { signal }).take(listMax) }),
  agent: (name: string) => queryOptions({ queryKey: ['agent', name], queryFn: ({ signal }) => client.agents.get(name, { signal }) }),
  agentVersions: (name: string) =>
    queryOptions({
      queryKey: ['agent', name, 'versions'],
      queryFn: async ({ signal }) => (await client.agents.versions(name, { limit: 50 }, { signal }).first()).data,
    }),
  agentStages: (name: string, version: number) =>
    queryOptions({
      queryKey: ['agent', name, 'stages', version],
      queryFn: ({ signal }) => client.stages.get(name, { version }, { signal }),
    }),
  evidence: (filters: EvidenceQuery) =>
    infiniteQueryOptions({
      queryKey: ['agent', filters.agent, 'evidence', filters],
      queryFn: ({ signal, pageParam }) =>
        client.evidence.list({ ...filters, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  evals: ({ agent }: { agent: string }) =>
    infiniteQueryOptions({
      queryKey: ['agent', agent, 'evals'],
      queryFn: ({ signal, pageParam }) => client.evals.list({ agent, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  rollouts: ({ agent }: { agent: string }) =>
    infiniteQueryOptions({
      queryKey: ['agent', agent, 'rollouts'],
      queryFn: ({ signal, pageParam }) =>
        client.rollouts.list({ agent, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  rollout: (id: string) => queryOptions({ queryKey: ['rollout', id], queryFn: ({ signal }) => client.rollouts.get(id, { signal }) }),
  eval: (id: string) => queryOptions({ queryKey: ['eval', id], queryFn: ({ signal }) => client.evals.get(id, { signal }) }),
  evalAttempts: (id: string, outcome: EvalOutcome[] | undefined) =>
    infiniteQueryOptions({
      queryKey: ['eval', id, 'attempts', outcome ?? []],
      queryFn: ({ signal, pageParam }) =>
        client.evals.attempts(id, { outcome, limit: pageRows, cursor: pageParam ?? undefined }, { signal }).first(),
      initialPageParam: null as string | null,
      getNextPageParam: (last) => last.nextCursor,
    }),
  evalSuites: () =>
    queryOptions({ queryKey: ['eval-suites'], queryFn: ({ signal }) => client.evalSuites.list({ limit: 200 }, { signal }).take(listMax) }),
  instances: (agent: string) =>
    queryOptions({
      queryKey: ['agent', agent, 'instances'],
      queryFn: async ({ signal }) => (await client.instances.list({ agent, limit: 200 }, { signal }).first()).data,
      // Beats and tasks in flight change without an event.
      refetchInterval: 5_000,
    }),
  mcpServers: () =>
    queryOptions({ queryKey: ['mcp-servers'], queryFn: ({ signal }) => client.mcpServers.list({ limit: 200 }, { signal }).take(listMax) }),
  mcpServer: (name: string) =>
    queryOptions({
      queryKey: ['mcp-server', name],
      queryFn: ({ signal }) => client.mcpServers.get(name, { signal }),
      // Standard error grows without an event.
      refetchInterval: 5_000,
    }),
  tools: () => queryOptions({ queryKey: ['tools'], queryFn: ({ signal }) => client.tools.list({ limit: 200 }, { signal }).take(listMax) }),
  workflows: () =>
    queryOptions({ queryKey: ['workflows'], queryFn: ({ signal }) => client.workflows.list({ limit: 200 }, { signal }).take(listMax) }),
  workflow: (name: string) =>
    queryOptions({ queryKey: ['workflow', name], queryFn: ({ signal }) => client.workflows.get(name, { signal }) }),
  workflowVersions: (name: string) =>
    queryOptions({
      queryKey: ['workflow', name, 'versions'],
      queryFn: ({ signal }) => client.workflows.versions(name, { limit: 200 }, { signal }).take(200),
    }),
  schedules: () =>
    queryOptions({
      queryKey: ['schedules'],
      queryFn: ({ signal }) => client.schedules.list({ limit: 200 }, { signal }).take(listMax),
      // Times come without an event.
      refetchInterval: 10_000,
    }),
  schedule: (name: string) =>
    queryOptions({
      queryKey: ['schedule', name],
      queryFn: ({ signal }) => client.schedules.get(name, { signal }),
      refetchInterval: 5_000,
    }),
  scheduleFirings: (name: string) =>
    queryOptions({
      queryKey: ['schedule', name, 'firings'],
      queryFn: ({ signal }) => client.schedules.firings(name, { limit: 200 }, { signal }).take(firingsMax),
      refetchInterval: 5_000,
    }),
  schedulePreview: (rhythm: Preview) =>
    queryOptions({
      queryKey: ['schedule-preview', rhythm],
      queryFn: ({ signal }) => client.schedules.preview(rhythm, { signal }),
      retry: false,
      refetchInterval: 60_000,
    }),
  triggers: () =>
    queryOptions({
      queryKey: ['triggers'],
      queryFn: ({ signal }) => client.triggers.list({ limit: 200 }, { signal }).take(listMax),
      refetchInterval: 10_000,
    }),
  trigger: (name: string) =>
    queryOptions({ queryKey: ['trigger', name], queryFn: ({ signal }) => client.triggers.get(name, { signal }), refetchInterval: 5_000 }),
  triggerFirings: (name: string) =>
    queryOptions({
      queryKey: ['trigger', name, 'firings'],
      queryFn: ({ signal }) => client.triggers.firings(name, { limit: 200 }, { signal }).take(firingsMax),
      refetchInterval: 5_000,
    }),
  services: () =>
    queryOptions({
      queryKey: ['services'],
      queryFn: ({ signal }) => client.system.services({ signal }),
      // Uptime, latency and memory change without an event.
      refetchInterval: 10_000,
    }),
  principals: () => queryOptions({ queryKey: ['keys', 'principals'], queryFn: async ({ signal }) => (await principals.list(signal)).data }),
  secrets: () =>
    queryOptions({ queryKey: ['secrets'], queryFn: ({ signal }) => client.secrets.list({ limit: 200 }, { signal }).take(listMax) }),
  keys: () => queryOptions({ queryKey: ['keys', 'list'], queryFn: async ({ signal }) => (await keys.list(signal)).data }),
};
