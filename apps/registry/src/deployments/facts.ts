import type { AgentStatus, BreakerState } from '@signalbox/shared/contracts/registry/agent.js';
import type { StepState } from '@signalbox/shared/contracts/registry/deployment.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import type { Estimate } from '../manifests/manifest.ts';

/** How a step stands. */
export interface StepFact {
  state: StepState;
  /** 0 to 1; between its ends only for traffic. */
  fraction: number;
  note?: string;
  by?: string;
  begunAt?: Date;
  endedAt?: Date;
}

/** How the registered agent behind an agent of a deployment stands; absent where none is registered. */
export interface AgentFact {
  status: AgentStatus;
  statusReason?: string;
  breaker?: BreakerState;
  /** The last stage that its current version is at. */
  stage?: Stage;
}

export type MemberStanding = 'well' | 'ill' | 'missing';

/** How a member that is no agent stood when its service was asked last. */
export interface MemberFact {
  standing: MemberStanding;
  /** In words. */
  note: string;
  /** What is there: version or hash. */
  observed?: string;
  /** What was there when it was found well after the last start. */
  baseline?: string;
}

/** How something that is no agent stands: a service, an MCP server. */
export interface InfrastructureFact {
  isUp: boolean;
  /** In words, when it is not up. */
  because: string;
}

/** All that a board is computed from, beside the plan. */
export interface Facts {
  /** By `agent/step`, names in the deployment; absent: pending. */
  steps: ReadonlyMap<string, StepFact>;
  /** By the name of the registered agent. */
  agents: ReadonlyMap<string, AgentFact>;
  /** By the member's name in the deployment; absent: nobody asked yet. */
  members: ReadonlyMap<string, MemberFact>;
  /** By the dependency, as `service:bus`; absent: nobody could say. */
  infrastructure: ReadonlyMap<string, InfrastructureFact>;
  /** What such steps took before, in days, by `registered name/step`. */
  history: ReadonlyMap<string, Estimate>;
  now: Date;
}

/** A step that nobody touched. */
export const pendingStep: StepFact = { state: 'pending', fraction: 0 };

/** The key of a step in `Facts.steps`. */
export function stepKey(agent: string, step: string): string {
  return `${agent}/${step}`;
}
