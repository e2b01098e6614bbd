import type { Agent, AgentKind, AgentStatus, BreakerState, Skill } from '@signalbox/shared/contracts/registry/agent.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';

/** A row of `agent`, with how many instances of it there are. */
export interface AgentRow {
  workspace: string;
  id: string;
  name: string;
  kind: AgentKind;
  description: string;
  labels: Record<string, string>;
  skills: Skill[];
  version: number;
  hash: string;
  event_version: string;
  status: AgentStatus;
  status_reason: string | null;
  breaker: BreakerState | null;
  probed: boolean | null;
  probe_note: string | null;
  /** By the id of each deployment that says so: what it goes on without, in a sentence. */
  lacks: Record<string, string>;
  stage: Stage | null;
  created_at: Date;
  updated_at: Date;
  live: number;
  capacity: number;
  in_flight: number;
}

/** An agent as it is shown. */
export function agentView(row: AgentRow): Agent {
  return {
    id: fromUuid('agent', row.id),
    name: row.name,
    kind: row.kind,
    description: row.description,
    labels: row.labels,
    status: row.status,
    ...(row.status_reason !== null && { statusReason: row.status_reason }),
    version: row.version,
    hash: row.hash,
    skills: row.skills,
    instances: { live: row.live, capacity: row.capacity, inFlight: row.in_flight },
    ...(row.breaker !== null && { breaker: row.breaker }),
    ...(row.stage !== null && { stage: row.stage }),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
