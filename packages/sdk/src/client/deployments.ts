import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import type { Stage } from './stages.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

/** How one agent of a deployment stands; computed by the registry, never typed in. */
export type BoardStatus =
  'active' | 'ready' | 'waiting' | 'parallel' | 'starting' | 'degraded' | 'isolated' | 'failed' | 'done' | (string & {});

export type DeploymentStatus = 'ready' | 'starting' | 'active' | 'degraded' | 'failed' | 'done' | (string & {});

/** When something will be done: days from now at the low and high ends of the estimates, the moment at their midpoints. */
export interface Eta {
  days: [number, number];
  at: string;
}

export interface Deployment {
  id: string;
  name: string;
  description: string;
  labels: Labels;
  status: DeploymentStatus;
  /** From 0 to 1. */
  progress: number;
  agents: number;
  done: number;
  /** Null when all is done. */
  eta: Eta | null;
  /** Whether it was told to start, and not to stop since. */
  started: boolean;
  version: number;
  hash: string;
  createdAt: string;
  updatedAt: string;
}

/** The state of one step of one agent. */
export interface DeploymentStep {
  agent: string;
  step: string;
  source: StepSource;
  weight: number;
  state: StepState;
  fraction: number;
  note?: string;
  by?: string;
  begunAt?: string;
  endedAt?: string;
}

/** One deployment with its manifest and all its steps. */
export interface DeploymentDetail extends Deployment {
  manifest: Manifest<DeploymentSpec>;
  steps: DeploymentStep[];
  startedAt?: string;
}

/** What an agent or member needs: its name, or with it how it lives without that once it is up (`stop`: agents alone). */
export type Dependency = string | { name: string; whenMissing?: 'wait' | 'degrade' | 'stop' };

/** `spec` of a manifest of kind Deployment. */
export interface DeploymentSpec {
  priority?: string;
  owner?: string;
  stage?: string;
  agents?: {
    name: string;
    agent?: string;
    dependsOn?: Dependency[];
    estimateDays?: [number, number];
    importance?: string;
    steps?: { name: string; weight?: number; source: StepSource; estimate?: string }[];
  }[];
  members?: {
    kind: Exclude<MemberKind, 'agent'>;
    name: string;
    ref?: string;
    dependsOn?: Dependency[];
    estimateDays?: [number, number];
    importance?: string;
    steps?: { name: string; weight?: number; source: StepSource; estimate?: string }[];
    tools?: string[];
    hash?: string;
    scope?: string;
    command?: string[];
    cwd?: string;
    env?: Record<string, string>;
    timeoutMs?: number;
  }[];
}

/** What a member of a deployment is. */
export type MemberKind = 'agent' | 'mcp-server' | 'workflow' | 'secret' | 'context-store' | 'migration' | (string & {});

export type StepSource = 'runner' | 'probe' | 'contract-test' | 'traffic' | 'reported';
export type StepState = 'pending' | 'begun' | 'done' | 'failed';

export interface BoardAgent {
  name: string;
  /** The registered agent behind it, or for a member of another kind what it is there: both may have another name. */
  agent: string;
  /** What it is; absent: an agent. */
  kind?: MemberKind;
  status: BoardStatus;
  statusReason?: string;
  /** From 0 to 1. */
  progress: number;
  steps: { name: string; source: StepSource; state: StepState; note?: string }[];
  dependsOn: string[];
  waitingFor: { on: string; because: string }[];
  /** What it lacks of what it declares how to live without; absent: nothing. */
  lacks?: { on: string; because: string; then: 'degrade' | 'stop' | (string & {}) }[];
  estimateDays: [number, number];
  /** Null when done. */
  eta: Eta | null;
  priority: 'critical' | 'high' | 'medium' | null;
  importance?: 'critical' | 'high' | 'medium' | 'low';
  slackDays: number | null;
  critical: boolean;
  breaker?: 'closed' | 'open' | 'half-open';
  /** The last stage that the registered agent's current version is at. */
  stage?: Stage;
}

export interface NextAction {
  action: 'repair' | 'start' | 'finish' | 'prepare' | 'complete' | (string & {});
  agent: string;
  because: string;
  unblocks: string[];
  within: 'now' | '24h' | '72h' | 'week';
}

export interface Board {
  name: string;
  status: DeploymentStatus;
  /** From 0 to 1. */
  progress: number;
  /** Until all is done, at the midpoints of the estimates. */
  remainingDays: number;
  eta: Eta | null;
  agents: BoardAgent[];
  criticalPath: string[];
  nextActions: NextAction[];
  updatedAt: string;
}

/** What a start does to one agent or other member; those of one wave come up side by side. */
export interface PlannedAgent {
  name: string;
  /** What it is; absent: an agent. */
  kind?: MemberKind;
  wave: number;
  action: 'start' | 'restart' | 'keep' | 'report' | 'look' | 'run' | (string & {});
  because: string;
  dependsOn: string[];
  /** What it disturbs beside the deployment: tasks that are finished first, other deployments that have the same member. Absent: nothing. */
  disturbs?: { tasks: number; deployments: string[] };
}

/** One thing that is not as the manifest wants it. */
export interface DriftItem {
  member: string;
  /** What it is; absent: an agent. */
  kind?: MemberKind;
  aspect: 'missing' | 'version' | 'replicas' | 'state' | 'steps' | 'changed' | (string & {});
  wanted: string;
  actual: string;
  because: string;
  /** What a repair does about it; absent: `next` says who can. */
  repair?: 'start' | 'restart' | 'again' | 'revert' | (string & {});
  next?: string;
}

/** Where a deployment is not as its manifest wants it; no items: it is. */
export interface Drift {
  name: string;
  started: boolean;
  since: string | null;
  items: DriftItem[];
  /** How many more there are. */
  more: number;
  updatedAt: string;
}

/** What a repair does to which member, and what it cannot do. */
export interface DriftRepair {
  repairs: { member: string; kind?: MemberKind; repair: string; because: string; disturbs?: { tasks: number; deployments: string[] } }[];
  left: DriftItem[];
  resource: Deployment;
}

/** A step of a deployment, reported by CI or a person. */
export interface StepReport {
  deployment: string;
  agent: string;
  step: string;
  state: 'begun' | 'done' | 'failed';
  note?: string;
}

export interface DeploymentQuery extends ListQuery {
  status?: DeploymentStatus | undefined;
  /** Only deployments with all of these labels, each as `team=payments`. */
  label?: readonly string[] | undefined;
}

/** `/deployments`: sets of agents that are brought up in order, and their boards. */
export class Deployments {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: DeploymentQuery = {}, options: RequestOptions = {}): Pages<Deployment> {
    return new Pages(this.#http, '/deployments', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<DeploymentDetail> {
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

  /** Brings the agents up in order of their dependencies; the answer is the plan. `dryRun`: only the plan. */
  start(name: string, query: ApplyQuery = {}, options: CreateOptions = {}): Promise<{ plan: PlannedAgent[]; resource: Deployment }> {
    return this.#http.json({
      method: 'POST',
      path: path`/deployments/${name}/start`,
      query: { ...query },
      creates: true,
      ...options,
    });
  }

  /** Stops what the local runner started for it. */
  stop(name: string, options: CreateOptions = {}): Promise<{ resource: Deployment }> {
    return this.#http.json({ method: 'POST', path: path`/deployments/${name}/stop`, creates: true, ...options });
  }

  /** Where it is not as its manifest wants it. */
  drift(name: string, options: RequestOptions = {}): Promise<Drift> {
    return this.#http.json({ method: 'GET', path: path`/deployments/${name}/drift`, ...options });
  }

  /** Puts right what drifted, as far as the registry can. `dryRun`: only says what it would do. */
  repair(name: string, query: ApplyQuery = {}, options: CreateOptions = {}): Promise<DriftRepair> {
    return this.#http.json({ method: 'POST', path: path`/deployments/${name}/repair`, query: { ...query }, creates: true, ...options });
  }

  board(name: string, options: RequestOptions = {}): Promise<Board> {
    return this.#http.json({ method: 'GET', path: path`/deployments/${name}/board`, ...options });
  }

  /** The board as it would be if agents took so many days more (or less), by their names on it. */
  boardIf(name: string, slips: Readonly<Record<string, number>>, options: RequestOptions = {}): Promise<Board> {
    const slip = Object.entries(slips).map(([agent, days]) => `${agent}=${days}`);
    return this.#http.json({ method: 'GET', path: path`/deployments/${name}/board`, query: { slip }, ...options });
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
