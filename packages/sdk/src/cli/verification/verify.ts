import { createHash } from 'node:crypto';
import { ApiError } from '../../client/api-error.ts';
import type { SignalboxClient } from '../../client/client.ts';
import type { Artifact } from '../../client/artifacts.ts';
import type { Run } from '../../client/runs.ts';
import type { RequestOptions } from '../../client/transport.ts';
import { RunCheck } from './run-check.ts';

/** Runs looked at beside each other: enough to keep the services busy, few enough to leave them to others. */
const parallel = 4;
/** A run's steps beyond this are checked by their events alone. */
const stepsMax = 10_000;
/** Dollars are sums of fractions. */
const slack = 1e-6;

/** Something that is not as it must be. */
export interface Finding {
  /** `audit`, `run run_…`, `artifact art_…`, `deployment NAME`, `budget SCOPE`. */
  about: string;
  detail: string;
}

/** What was looked at, and what was found. */
export interface Verification {
  since: string;
  checked: { auditEntries: number; runs: number; events: number; results: number; artifacts: number; deployments: number; budgets: number };
  /** There were more runs or artifacts than the limit. */
  hasMore: boolean;
  findings: Finding[];
}

export interface VerifyOptions extends RequestOptions {
  /** Runs and artifacts from then on; runs that have not ended are looked at whatever their age. Epoch milliseconds. */
  since: number;
  /** At most so many runs, and artifacts. */
  limit: number;
  now: () => number;
}

/** Compares what Signalbox recorded with what it says, by its REST API. */
export async function verify(client: SignalboxClient, options: VerifyOptions): Promise<Verification> {
  const found: Verification = {
    since: new Date(options.since).toISOString(),
    checked: { auditEntries: 0, runs: 0, events: 0, results: 0, artifacts: 0, deployments: 0, budgets: 0 },
    hasMore: false,
    findings: [],
  };
  await verifyAudit(client, options, found);
  await verifyRuns(client, options, found);
  await verifyArtifacts(client, options, found);
  await verifyDeployments(client, options, found);
  await verifyBudgets(client, options, found);
  return found;
}

async function verifyAudit(client: SignalboxClient, { signal }: VerifyOptions, found: Verification): Promise<void> {
  const { intact, entries, brokenAt, because } = await client.audit.verify({ signal, timeoutMs: 65_000 });
  found.checked.auditEntries = entries;
  if (!intact) found.findings.push({ about: 'audit', detail: `entry ${brokenAt ?? '?'}: ${because ?? 'a link does not fit'}` });
}

async function verifyRuns(client: SignalboxClient, options: VerifyOptions, found: Verification): Promise<void> {
  const runs = new Map<string, Run>();
  const isFull = (): boolean => runs.size >= options.limit;
  const live = client.runs.list({ status: ['queued', 'running', 'waiting'], limit: 200 }, { signal: options.signal });
  const recent = client.runs.list({ limit: 200 }, { signal: options.signal });
  for (const [list, since] of [
    [live, -Infinity],
    [recent, options.since],
  ] as const) {
    for await (const run of list) {
      if (Date.parse(run.createdAt) < since) break;
      if (isFull() && !runs.has(run.id)) {
        found.hasMore = true;
        break;
      }
      runs.set(run.id, run);
    }
  }
  await each([...runs.keys()], (id) => verifyRun(client, id, options, found));
}

async function verifyRun(client: SignalboxClient, id: string, { signal, now }: VerifyOptions, found: Verification): Promise<void> {
  const check = new RunCheck();
  try {
    // Before its events: if it has ended here, its end must be among them.
    const run = await client.runs.get(id, { signal });
    const steps =
      run.steps.length < run.progress.total ? await client.runs.steps(id, { limit: 200 }, { signal }).take(stepsMax) : run.steps;
    for await (const event of client.runs.events(id, { limit: 200 }, { signal })) check.add(event);
    check.end(run, steps, now());
  } catch (error) {
    // The service says so when a record has a gap; whatever else it cannot do is no finding.
    if (!(error instanceof ApiError) || error.code !== 'internal') throw error;
    check.findings.push(error.message);
  }
  found.checked.runs++;
  found.checked.events += check.events;
  found.checked.results += check.results;
  found.findings.push(...check.findings.map((detail) => ({ about: `run ${id}`, detail })));
}

async function verifyArtifacts(client: SignalboxClient, { signal, since, limit }: VerifyOptions, found: Verification): Promise<void> {
  const artifacts: Artifact[] = [];
  for await (const artifact of client.artifacts.list({ limit: 200 }, { signal })) {
    if (Date.parse(artifact.createdAt) < since) break;
    if (artifacts.length >= limit) {
      found.hasMore = true;
      break;
    }
    artifacts.push(artifact);
  }
  await each(artifacts, async ({ id, sha256, size }) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of (await client.artifacts.content(id, { signal })).body ?? []) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    found.checked.artifacts++;
    if (bytes !== size || hash.digest('hex') !== sha256) {
      found.findings.push({ about: `artifact ${id}`, detail: `its content (${bytes} bytes) is not what was kept (${size} bytes)` });
    }
  });
}

async function verifyDeployments(client: SignalboxClient, { signal }: VerifyOptions, found: Verification): Promise<void> {
  for await (const { name } of client.deployments.list({ limit: 200 }, { signal })) {
    const [{ manifest }, board] = await Promise.all([client.deployments.get(name, { signal }), client.deployments.board(name, { signal })]);
    found.checked.deployments++;
    const find = (detail: string): number => found.findings.push({ about: `deployment ${name}`, detail });
    const wanted = [...(manifest.spec.agents ?? []), ...(manifest.spec.members ?? [])].map(({ name }) => name).sort();
    const shown = board.agents.map((agent) => agent.name).sort();
    if (wanted.join() !== shown.join()) find(`its board shows ${shown.join(', ')}, its manifest has ${wanted.join(', ')}`);
    for (const agent of board.agents) {
      const open = agent.steps.filter(({ state }) => state !== 'done');
      if (agent.status === 'done' && open.length > 0) find(`${agent.name} is done without ${open.map((step) => step.name).join(', ')}`);
    }
  }
}

/** Of a budget above runs, as much is given as its runs have; and nothing is less than nothing. */
async function verifyBudgets(client: SignalboxClient, { signal }: VerifyOptions, found: Verification): Promise<void> {
  const scopes: string[] = [];
  for await (const { scope } of client.budgets.list({ limit: 200 }, { signal })) scopes.push(scope);
  await each(scopes, async (scope) => {
    const budget = await client.budgets.get(scope, { signal }).catch((error: unknown) => {
      // It was removed meanwhile.
      if (error instanceof ApiError && error.code === 'not_found') return null;
      throw error;
    });
    if (budget === null) return;
    found.checked.budgets++;
    const find = (detail: string): number => found.findings.push({ about: `budget ${scope}`, detail });
    for (const measure of ['tokens', 'costUsd', 'steps'] as const) {
      const [spent, given, slices] = [budget.spent[measure], budget.given[measure], budget.slices[measure]];
      if (Math.abs(given - slices) > slack) find(`${given} ${measure} are given to runs, and they have ${slices}`);
      if (spent < -slack || given < -slack) find(`${measure} are below nothing: ${spent} spent, ${given} given`);
    }
  });
}

/** Does `work` for each item, a few at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
