import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Manifest } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** How a deployment or one of its agents stands; computed by the registry, never typed in. */
export type BoardStatus =
  'active' | 'ready' | 'waiting' | 'parallel' | 'starting' | 'degraded' | 'isolated' | 'failed' | 'done' | (string & {});

export interface Deployment {
  name: string;
  status: BoardStatus;
  /** From 0 to 1. */
  progress: number;
  agents: number;
  done: number;
  eta: { days: [number, number]; at: string } | string | null;
  updatedAt: string;
}

/** `spec` of a manifest of kind Deployment. */
export interface DeploymentSpec {
  priority?: string;
  owner?: string;
  stage?: string;
  agents: {
    name: string;
    agent?: string;
    dependsOn?: string[];
    estimateDays?: [number, number];
    importance?: string;
    steps?: { name: string; weight?: number; source: StepSource; estimate?: string }[];
  }[];
}

export type StepSource = 'runner' | 'probe' | 'contract-test' | 'traffic' | 'reported';

export interface BoardAgent {
  name: string;
  status: BoardStatus;
  progress: number;
  dependsOn: string[];
  waitingFor: { on: string; because: string }[];
  estimateDays: [number, number] | null;
  eta: { days: [number, number]; at: string } | null;
  priority: 'critical' | 'high' | 'medium' | (string & {}) | null;
  slackDays: number | null;
  critical: boolean;
  steps?: { name: string; source: StepSource; state: string; note?: string | null }[];
}

export interface NextAction {
  action: string;
  agent: string;
  because: string;
  unblocks: string[];
  within: 'now' | '24h' | '72h' | 'week';
}

export interface Board {
  agents: BoardAgent[];
  criticalPath: string[];
  nextActions: NextAction[];
  updatedAt: string;
}

/** A step of a deployment, reported by CI or a person. */
export interface StepReport {
  deployment: string;
  agent: string;
  step: string;
  state: 'begun' | 'done' | 'failed';
  note?: string;
}

/** `/deployments`: sets of agents that are brought up in order, and their boards. */
export class Deployments {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Deployment> {
    return new Pages(this.#http, '/deployments', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<Deployment & { manifest?: Manifest<DeploymentSpec> }> {
    return this.#http.json({ method: 'GET', path: path`/deployments/${name}`, ...options });
  }

  apply(manifest: Manifest<DeploymentSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Deployment>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/deployments/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/deployments/${name}`, ...options });
  }

  /** Brings up what can start now and, as its dependencies get done, the rest. */
  start(name: string, options: RequestOptions = {}): Promise<unknown> {
    return this.#http.json({ method: 'POST', path: path`/deployments/${name}/start`, body: {}, creates: true, ...options });
  }

  board(name: string, options: RequestOptions = {}): Promise<Board> {
    return this.#http.json({ method: 'GET', path: path`/deployments/${name}/board`, ...options });
  }

  /** Reports a step whose source is `reported`; the caller's name and the time are kept with it. */
  report(report: StepReport, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied> {
    return this.#http.json({
      method: 'PUT',
      path: path`/deployments/${report.deployment}/agents/${report.agent}/steps/${report.step}`,
      query: { ...query },
      body: report,
      ...options,
    });
  }
}
