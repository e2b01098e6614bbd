import type { AgentKind, Skill } from '@signalbox/shared/contracts/registry/agent.js';
import type { KpiName } from '@signalbox/shared/contracts/registry/kpi-names.js';
import type { GateApprovals, GateMetric } from '@signalbox/shared/contracts/registry/gate.js';
import type { Importance, MemberKind, WhenMissing } from '@signalbox/shared/contracts/registry/board.js';
import type { ChannelType } from '@signalbox/shared/contracts/registry/channel.js';
import type { StepSource } from '@signalbox/shared/contracts/registry/deployment.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { NotificationRuleSpec } from '../notifications/rule-spec.ts';
import type { RecoverySpec } from '../recovery/policy.ts';
import type { RolloutSpec } from '../rollouts/rollout-plan.ts';
import type { RunnerKind } from '@signalbox/shared/contracts/registry/instance.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';

/** Low and high, in days. */
export type Estimate = [low: number, high: number];

export interface Metadata {
  name: string;
  labels?: Record<string, string>;
  description?: string;
}

/** How many processes of a worker there are, by what waits for them. */
export interface AutoscaleSpec {
  min: number;
  max: number;
  /** Tasks that one process should have, waiting and in hand; its concurrency if absent. */
  targetQueue?: number;
  /** No task should wait longer. */
  targetLatencyMs?: number;
  /** More are wanted for so long before there are more; 3 s if absent. */
  upAfterMs?: number;
  /** Fewer are wanted for so long before there are fewer; 60 s if absent. */
  downAfterMs?: number;
  /** How long a process may finish what it has in hand; 60 s if absent. */
  drainMs?: number;
}

export interface WorkerSpec {
  runner?: RunnerKind;
  command?: string[];
  cwd?: string;
  env?: Record<string, string>;
  replicas?: number;
  autoscale?: AutoscaleSpec;
  concurrency?: number;
}

/** What of these kinds is looked at here; protocol reads the rest. */
export interface LlmSpec {
  model: string;
  provider?: { baseUrl?: string; apiKey?: string };
  tools?: string[];
}

export interface HttpSpec {
  url: string;
  headers?: Record<string, string>;
}

export interface AgentSpec {
  kind: AgentKind;
  description?: string;
  skills?: Skill[];
  mcp?: { server: string; tools?: string[] };
  worker?: WorkerSpec;
  llm?: LlmSpec;
  http?: HttpSpec;
  concurrency?: number;
  timeoutMs?: number;
  recovery?: RecoverySpec;
  rollout?: RolloutSpec;
}

export interface AgentManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Agent';
  metadata: Metadata;
  spec: AgentSpec;
}

export interface StepSpec {
  name: string;
  source?: StepSource;
  weight?: number;
  estimate?: Estimate;
  share?: number;
  calls?: number;
  call?: { skill: string; input?: unknown };
}

/** What an agent or member needs: its name, or with it how it lives without that once it is up. */
export type DependencySpec = string | { name: string; whenMissing?: WhenMissing };

export interface DeploymentAgentSpec {
  name: string;
  agent?: string;
  dependsOn?: DependencySpec[];
  estimateDays?: Estimate;
  importance?: Importance;
  steps?: StepSpec[];
}

/** A member that is no agent. Which fields belong to which kind, `parseDeploymentManifest` says. */
export interface DeploymentMemberSpec {
  kind: Exclude<MemberKind, 'agent'>;
  name: string;
  /** Its name where it is: of the MCP server, workflow or secret. The same as `name` if absent. */
  ref?: string;
  dependsOn?: DependencySpec[];
  estimateDays?: Estimate;
  importance?: Importance;
  steps?: StepSpec[];
  /** Of an MCP server: what it must list. */
  tools?: string[];
  /** Of a workflow: the one that must be applied. */
  hash?: string;
  /** Of a context store: whose shared state; `workspace` if absent. */
  scope?: string;
  /** Of a migration: what the local runner runs once; without it somebody reports. */
  command?: string[];
  cwd?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
}

export interface DeploymentManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Deployment';
  metadata: Metadata;
  spec: { priority?: Importance; owner?: string; stage?: Stage; agents?: DeploymentAgentSpec[]; members?: DeploymentMemberSpec[] };
}

/** One thing that an agent is asked, and what is expected of it. */
export interface EvalCase {
  name?: string;
  input?: Json;
  expected?: Json;
  labels?: Record<string, string>;
  /** Of a recorded run that is done again: which. No manifest has it. */
  run?: string;
}

/** Cases that are what the agent was asked in runs, with what it answered then as what is expected; or those runs as a whole, with what they gave. */
export interface RecordedCases {
  /** How many calls; 50 if absent. */
  calls?: number;
  /** In place of calls, how many runs are done again. */
  runs?: number;
  /** Of a run that asks what was not recorded; `end` if absent. */
  onDivergence?: 'end' | 'reuse';
  /** Not older than so many days; 7 if absent. */
  days?: number;
  /** Calling the agent again changes nothing outside: whoever applies the suite says so. */
  repeatable?: true;
}

interface GraderBase {
  name?: string;
  /** Among the other graders; 1 if absent. */
  weight?: number;
}

/** An agent that grades: a worker's code, or a model as judge. */
export interface AgentGrader extends GraderBase {
  type: 'agent';
  agent: string;
  skill?: string;
  rubric?: string;
}

/** What judges an answer, or the part of it at `path`. */
export type Grader =
  | (GraderBase & { type: 'exact'; path?: string })
  | (GraderBase & { type: 'schema'; path?: string; schema: Record<string, Json> })
  | (GraderBase & { type: 'regex'; path?: string; pattern: string })
  | (GraderBase & { type: 'cel'; expression: string })
  | AgentGrader;

export interface EvalSuiteManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'EvalSuite';
  metadata: Metadata;
  spec: {
    skill?: string;
    /** Absent where they are recorded calls. */
    cases?: EvalCase[];
    recorded?: RecordedCases;
    graders: Grader[];
    /** The least score of an attempt that passes; 1 if absent. */
    passScore?: number;
    repeats?: number;
    maxParallel?: number;
    /** Of one call. */
    timeout?: string | number;
    /** Of the whole eval. */
    totalTimeout?: string | number;
    confidence?: number;
    budget?: EvalAmounts;
    /** What one call, of the agent or of a grader, uses at most. */
    usesAtMost?: EvalAmounts;
  };
}

export interface EvalAmounts {
  tokens?: number;
  costUsd?: number;
}

export interface GateManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Gate';
  metadata: Metadata;
  spec: {
    stages: Stage[];
    agents?: string[];
    replaces?: string;
    metrics: GateMetric[];
    approvals?: GateApprovals;
    evidenceDays?: number;
  };
}

export interface ObjectiveManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Objective';
  metadata: Metadata;
  spec: { kpi: KpiName; agent?: string; target: number; within?: number };
}

/** Which fields belong to which type, `parseChannelManifest` says. */
export interface ChannelSpec {
  type: ChannelType;
  url?: string;
  signingSecret?: string;
  host?: string;
  port?: number;
  tls?: 'starttls' | 'implicit' | 'none';
  user?: string;
  password?: string;
  from?: string;
  to?: string[];
}

export interface ChannelManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Channel';
  metadata: Metadata;
  spec: ChannelSpec;
}

export interface NotificationRuleManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'NotificationRule';
  metadata: Metadata;
  spec: NotificationRuleSpec;
}
