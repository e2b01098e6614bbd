import type { RunFacts } from './live-run.ts';

/** The columns of `run` that never change. */
export interface FactsRow {
  run_id: string;
  workspace: string;
  workflow: string;
  definition: string;
  shard: number;
  labels: Record<string, string>;
  principal: string;
  principal_name: string;
  grant_id: string;
  parent: string | null;
  timeout_ms: string;
  created_at: Date;
}

export function factsOf(row: FactsRow): RunFacts {
  return {
    workspace: row.workspace,
    workflow: row.workflow,
    definition: row.definition,
    shard: row.shard,
    labels: row.labels,
    principal: row.principal,
    principalName: row.principal_name,
    grant: row.grant_id,
    parent: row.parent,
    timeoutMs: Number(row.timeout_ms),
    createdAt: row.created_at,
  };
}
