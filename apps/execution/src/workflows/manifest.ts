import type { Json } from '../core/json.ts';

/** A step as a person writes it. */
export interface StepManifest {
  needs?: string[];
  if?: string | boolean;
  forEach?: string | Json[];
  maxParallel?: number;
  agent?: string;
  skill?: string;
  tool?: string;
  workflow?: string;
  artifact?: { name: string; mediaType?: string; content: Json };
  value?: Json;
  wait?: Json;
  with?: Json;
  retry?: { attempts: number; backoff?: { initialMs?: number; factor?: number; maxMs?: number }; nonRetryable?: string[] };
  timeout?: string | number;
  timeouts?: { queue?: string | number; start?: string | number; attempt?: string | number; total?: string | number };
  maxFailures?: number | string;
  onCrash?: 'retry' | 'fail' | 'ask';
  compensate?: CompensationManifest;
  onError?: 'fail' | 'continue';
  fallback?: string;
  label?: string;
}

/** What undoes a step. */
export type CompensationManifest = Pick<
  StepManifest,
  'agent' | 'skill' | 'fallback' | 'tool' | 'workflow' | 'with' | 'retry' | 'timeout' | 'timeouts' | 'label'
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
    compensateOn?: ('failed' | 'cancelled')[];
    compensateTimeout?: string | number;
    finally?: Record<string, StepManifest>;
    finallyTimeout?: string | number;
  };
}
