import type { Json } from '../core/json.ts';

/** What a step asks of people, as a person writes it; see `Ask` and `ApprovalPolicy`. */
export interface ApprovalManifest {
  message: string;
  by?: Json;
  notBy?: 'starter';
  form?: Record<string, Json>;
  deadline?: Json;
  onDeadline?: 'fail' | 'approve' | 'reject';
  onReject?: 'fail' | 'continue';
  escalate?: { after: Json; by: Json }[];
  remind?: Json[];
}

/** What may be used, as a person writes it; see `BudgetPolicy`. */
export interface BudgetManifest {
  tokens?: number;
  costUsd?: number;
  steps?: number;
  time?: string | number;
  depth?: number;
  onLimit?: 'stop' | 'ask' | { model: string } | { ask: { by?: { roles?: string[]; principals?: string[] }; deadline?: string | number } };
}

/** What one attempt can use at most. */
export type MostManifest = Pick<BudgetManifest, 'tokens' | 'costUsd' | 'steps'>;

/** A step as a person writes it. */
export interface StepManifest {
  needs?: string[];
  if?: string | boolean;
  forEach?: string | Json[] | ForEachManifest;
  repeat?: RepeatManifest;
  maxParallel?: number;
  agent?: string;
  agents?: string[];
  skill?: string;
  version?: number;
  tool?: string;
  workflow?: string;
  artifact?: { name: string; mediaType?: string; content: Json };
  state?: { key: string; scope?: string; set?: Json; version?: Json };
  value?: Json;
  wait?: Json;
  approval?: string | ApprovalManifest;
  llm?: LlmManifest;
  with?: Json;
  retry?: { attempts: number; backoff?: { initialMs?: number; factor?: number; maxMs?: number }; nonRetryable?: string[] };
  timeout?: string | number;
  timeouts?: { queue?: string | number; start?: string | number; attempt?: string | number; total?: string | number };
  maxFailures?: number | string;
  onCrash?: 'retry' | 'fail' | 'ask';
  compensate?: CompensationManifest;
  onError?: 'fail' | 'continue';
  fallback?: string;
  failover?: FailoverManifest;
  whenUnavailable?: UnavailableManifest;
  label?: string;
  limits?: Record<string, LimitManifest>;
  priority?: number;
  budget?: BudgetManifest;
  usesAtMost?: MostManifest;
}

/** How many steps, or runs, that share a limit may be under way at once, and how often one may begin. */
export interface LimitManifest {
  key?: string | number | boolean;
  concurrency?: number;
  rate?: { max: number; per: string | number; burst?: number };
}

/** What becomes of a start that finds no place free: the run waits (if absent), there is none, or an older run is cancelled for it. */
export type OnRunLimit = 'queue' | 'refuse' | 'replace';

/** The items of a step, and what holds of them. */
export interface ForEachManifest {
  items: string | Json[];
  stream?: boolean;
  max?: number;
  schema?: Record<string, Json>;
  key?: string;
  needs?: string;
}

/** A step that is done in turns, one after another. */
export interface RepeatManifest {
  maxTurns?: number;
  until?: string;
  noProgress?: false | { turns?: number; similarity?: number; of?: string };
  onLimit?: 'fail' | 'continue';
}

/** Who may take an agent's step over: agents by name, or whoever has its skill. */
export interface FailoverManifest {
  to?: string[];
  skill?: true;
  after?: string | number;
}

/** What stands in where nobody can do an agent's step: an output, or it is skipped. */
export interface UnavailableManifest {
  use?: Json;
  skip?: true;
  after?: string | number;
}

/** `server/tool`, `server/*`, or an agent. */
export type LlmToolManifest = string | { agent: string; skill?: string; usesAtMost?: MostManifest };

/** A model that is asked, calls tools, and is asked again until it answers. */
export interface LlmManifest {
  model: string;
  fallback?: string;
  instructions?: string;
  prompt?: Json;
  messages?: Json;
  tools?: LlmToolManifest[];
  approve?: LlmToolManifest[];
  output?: Record<string, Json>;
  maxTokens?: number;
  limits?: { turns?: number; tokens?: number; costUsd?: number; time?: string | number };
  parallelTools?: number;
  toolTokens?: number;
}

/** What undoes a step. */
export type CompensationManifest = Pick<
  StepManifest,
  'agent' | 'skill' | 'fallback' | 'failover' | 'tool' | 'workflow' | 'with' | 'retry' | 'timeout' | 'timeouts' | 'label' | 'usesAtMost'
>;

/** A workflow as a person writes it; `workflow.schema.json` says what is allowed. */
export interface WorkflowManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'Workflow';
  metadata: { name: string; labels?: Record<string, string>; description?: string };
  spec: {
    input?: Record<string, Json>;
    steps: Record<string, StepManifest>;
    outputs?: Json;
    timeout?: string | number;
    priority?: number;
    limits?: Record<string, LimitManifest>;
    onLimit?: OnRunLimit;
    compensateOn?: ('failed' | 'cancelled')[];
    compensateTimeout?: string | number;
    finally?: Record<string, StepManifest>;
    finallyTimeout?: string | number;
    scaleBack?: { to: string; after?: string | number; restoreAfter?: string | number; waitOver?: string | number; agents?: string[] };
    retention?: { succeeded?: string; failed?: string; cancelled?: string };
    budget?: BudgetManifest;
  };
}
