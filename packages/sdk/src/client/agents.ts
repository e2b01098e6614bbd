import { beginRun } from './begin.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest, Skill } from './schema.ts';
import type { Stage } from './stages.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';
import type { Run } from './runs.ts';

export type AgentKind = 'llm' | 'mcp' | 'a2a' | 'http' | 'worker';
export type AgentStatus = 'healthy' | 'degraded' | 'isolated' | 'failed' | 'idle' | 'unknown';

export interface Agent {
  id: string;
  name: string;
  kind: AgentKind;
  description: string;
  labels: Labels;
  status: AgentStatus;
  statusReason?: string;
  version: number;
  hash: string;
  skills: Skill[];
  instances: { live: number; capacity: number; inFlight: number };
  breaker?: 'closed' | 'open' | 'half-open';
  /** The last stage that the current version is at. */
  stage?: Stage;
  createdAt: string;
  updatedAt: string;
}

/** One agent with its manifest. */
export interface AgentDetail extends Agent {
  manifest: Manifest<AgentSpec>;
}

/** `spec` of a manifest of kind Agent. */
export interface AgentSpec {
  kind: AgentKind;
  description?: string;
  skills?: Skill[];
  mcp?: { server: string; tools?: string[] };
  worker?: {
    runner?: 'local' | 'external';
    command?: string[];
    cwd?: string;
    env?: Record<string, string>;
    replicas?: number;
    /** In place of `replicas`. */
    autoscale?: {
      min: number;
      max: number;
      targetQueue?: number;
      targetLatencyMs?: number;
      upAfterMs?: number;
      downAfterMs?: number;
      drainMs?: number;
    };
    concurrency?: number;
  };
  llm?: {
    provider?: { baseUrl: string; apiKey: string };
    model: string;
    system?: string;
    tools?: string[];
    maxTurns?: number;
    maxTokens?: number;
  };
  http?: { url: string; headers?: Record<string, string> };
  concurrency?: number;
  timeoutMs?: number;
}

/** One immutable version of an agent. */
export interface AgentVersion {
  version: number;
  hash: string;
  manifest: Manifest<AgentSpec>;
  current: boolean;
  createdAt: string;
  createdBy: string;
}

export interface AgentQuery extends ListQuery {
  kind?: AgentKind | undefined;
  status?: AgentStatus | undefined;
  /** Only agents with all of these labels, each as `team=payments`. */
  label?: readonly string[] | undefined;
}

/** A call to an agent. */
export interface Invocation {
  /** May be left out where the agent has one. */
  skill?: string | undefined;
  /** Which version of it; absent: the current one, or of workers whichever is there. */
  version?: number | undefined;
  input?: unknown;
  labels?: Labels | undefined;
  /** Another agent, for when this one cannot. */
  fallback?: string | undefined;
  /** How long one attempt may take, milliseconds. */
  timeoutMs?: number | undefined;
  /** How urgent it is, from 1 (goes first) to 5; 3 if absent. */
  priority?: number | undefined;
  /** How long to wait for the end before answering; 0 if absent. */
  waitMs?: number | undefined;
}

/** What waits for an agent with `worker.autoscale`, how many instances it has and how many it should have. */
export interface AgentScale {
  agent: string;
  runner: 'local' | 'external' | (string & {});
  min: number;
  max: number;
  waiting: number;
  running: number;
  oldestMs: number;
  live: number;
  wanted: number;
  because: string;
}

export interface AgentScaleDetail extends AgentScale {
  /** The newest first. */
  changes: { deployment: string; from: number; to: number; because: string; at: string }[];
}

/** `/agents`: who can be invoked. */
export class Agents {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: AgentQuery = {}, options: RequestOptions = {}): Pages<Agent> {
    return new Pages(this.#http, '/agents', query, options);
  }

  /** How many instances it should have and why; `conflict` for one without `worker.autoscale`. */
  scale(name: string, options: RequestOptions = {}): Promise<AgentScaleDetail> {
    return this.#http.json({ method: 'GET', path: path`/agents/${name}/scale`, ...options });
  }

  /** All agents with `worker.autoscale`. */
  scales(query: ListQuery = {}, options: RequestOptions = {}): Pages<AgentScale> {
    return new Pages(this.#http, '/scales', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<AgentDetail> {
    return this.#http.json({ method: 'GET', path: path`/agents/${name}`, ...options });
  }

  /** Creates or replaces the agent; the same manifest again changes nothing. */
  apply(manifest: Manifest<AgentSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Agent>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/agents/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/agents/${name}`, ...options });
  }

  versions(name: string, query: ListQuery = {}, options: RequestOptions = {}): Pages<AgentVersion> {
    return new Pages(this.#http, path`/agents/${name}/versions`, query, options);
  }

  /** Calls one skill: the call is a run of one step. Answers with the run as it stands after `waitMs` (at most 55,000), or when it has ended. */
  invoke(name: string, call: Invocation = {}, options: CreateOptions = {}): Promise<Run> {
    return beginRun(this.#http, path`/agents/${name}/invoke`, call, options);
  }
}
