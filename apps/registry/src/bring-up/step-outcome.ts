import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';
import type { DeploymentRow } from '../deployments/deployment.store.ts';
import type { StepFact } from '../deployments/facts.ts';
import type { PlannedAgent, PlannedStep } from '../deployments/plan.ts';
import type { AgentSpec } from '../manifests/manifest.ts';

/** The registered agent behind an agent of a deployment, at its current version. */
export interface RegisteredAgent {
  id: string;
  name: string;
  version: number;
  /** The registry made the version itself, as a return to an earlier one. */
  isReturn: boolean;
  hash: string;
  spec: AgentSpec;
  skills: Skill[];
  /** Of its MCP server, as far as it was heard of. */
  serverStatus: string | null;
  serverReason: string | null;
  breaker: string | null;
  /** Instances that beat. */
  live: number;
  /** Tasks that they have in hand. */
  inFlight: number;
  /** Names of the skills that its instances announced. */
  announced: string[] | null;
}

/** All that looking at a step needs. */
export interface StepContext {
  deployment: DeploymentRow & { bearer: string };
  planned: PlannedAgent;
  step: PlannedStep;
  fact: StepFact;
  agent: RegisteredAgent;
}

/** How a step stands after a look. */
export interface StepOutcome {
  state: 'begun' | 'done' | 'failed';
  note?: string;
  /** For traffic. */
  fraction?: number;
  /** Not done: when it is worth another look, in milliseconds; absent: soon. */
  againMs?: number;
}

/** Looks at a step of one source, and moves it on. */
export interface StepMaker {
  look(context: StepContext): Promise<StepOutcome>;
}

/** Not yet; failed once it has lasted longer than a step of its kind may. */
export function notYet(
  fact: StepFact,
  note: string,
  { limitMs, againMs, now }: { limitMs: number; againMs: number; now: number },
): StepOutcome {
  const since = fact.state === 'begun' ? fact.begunAt?.getTime() : undefined;
  return { state: since !== undefined && now - since > limitMs ? 'failed' : 'begun', note, againMs };
}
