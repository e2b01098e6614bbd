import type { Importance, MemberKind } from '@signalbox/shared/contracts/registry/board.js';
import type { StepSource } from '@signalbox/shared/contracts/registry/deployment.js';
import type {
  DependencySpec,
  DeploymentAgentSpec,
  DeploymentManifest,
  DeploymentMemberSpec,
  Estimate,
  StepSpec,
} from '../manifests/manifest.ts';

/** One step with nothing left to defaults. */
export interface PlannedStep {
  name: string;
  source: StepSource;
  weight: number;
  /** Days of work: typed in, else its part of the agent's, else what its source takes at most. */
  estimate: Estimate;
  /** Whether the estimate was typed in, for the step or for its agent. */
  isEstimated: boolean;
  share: number;
  calls: number;
  call?: { skill: string; input?: unknown };
}

/** One agent or other member of a deployment with nothing left to defaults. */
export interface PlannedAgent {
  name: string;
  /** Name of the registered agent, or of what else it is. */
  agent: string;
  kind: MemberKind;
  /** What it is, where it is no agent. */
  member?: DeploymentMemberSpec;
  /** All that it waits for: members of the deployment and infrastructure. */
  dependsOn: string[];
  /** Of these, what it says how to live without once it is up. */
  whenMissing: ReadonlyMap<string, 'degrade' | 'stop'>;
  estimateDays: Estimate;
  importance?: Importance;
  steps: PlannedStep[];
}

export interface Plan {
  agents: PlannedAgent[];
}

const second = 1 / 86_400;

/** What a step takes when nobody said and none was seen yet: from nothing to the limit that its source has; traffic comes within a day. */
const sourceEstimates: Record<StepSource, Estimate> = {
  runner: [0, 30 * second],
  probe: [0, 10 * second],
  'contract-test': [0, 30 * second],
  traffic: [0, 1],
  reported: [0, 0],
};

/** Steps of an agent that names none: it is started, it answers, it does what it says. */
const usualSteps: StepSpec[] = [
  { name: 'start', source: 'runner' },
  { name: 'probe', source: 'probe' },
  { name: 'contract', source: 'contract-test' },
];

/** The manifest with its defaults filled in: agents, then other members. */
export function planOf({ spec: { agents = [], members = [] } }: DeploymentManifest): Plan {
  return {
    agents: [
      ...agents.map((spec) => ({ ...planned(spec, usualSteps), agent: spec.agent ?? spec.name, kind: 'agent' as const })),
      ...members.map((spec) => ({ ...planned(spec, usualStepsOf(spec)), agent: spec.ref ?? spec.name, kind: spec.kind, member: spec })),
    ],
  };
}

/** Under which name the durations of its steps are remembered, and what is missing where it is missing. */
export function registeredName({ kind, agent }: Pick<PlannedAgent, 'kind' | 'agent'>): string {
  return kind === 'agent' ? agent : `${kind}:${agent}`;
}

/** The registered agents that belong to it. */
export function agentNames({ agents }: Plan): string[] {
  return [...new Set(agents.filter(({ kind }) => kind === 'agent').map(({ agent }) => agent))];
}

function usualStepsOf({ kind, command }: DeploymentMemberSpec): StepSpec[] {
  if (kind !== 'migration') return [{ name: 'probe', source: 'probe' }];
  return [{ name: 'run', source: command === undefined ? 'reported' : 'runner' }];
}

function planned(spec: Omit<DeploymentAgentSpec, 'agent'>, usual: StepSpec[]): Omit<PlannedAgent, 'agent' | 'kind'> {
  const stepSpecs = spec.steps ?? usual;
  const weights = stepSpecs.reduce((sum, step) => sum + (step.weight ?? 1), 0);
  const steps = stepSpecs.map((step) => plannedStep(step, spec.estimateDays, (step.weight ?? 1) / weights));
  return {
    name: spec.name,
    dependsOn: (spec.dependsOn ?? []).map(dependencyName),
    whenMissing: new Map((spec.dependsOn ?? []).flatMap(declared)),
    estimateDays: spec.estimateDays ?? sumOf(steps.map((step) => step.estimate)),
    ...(spec.importance !== undefined && { importance: spec.importance }),
    steps,
  };
}

/** The name of what is needed. */
export function dependencyName(dependency: DependencySpec): string {
  return typeof dependency === 'string' ? dependency : dependency.name;
}

function declared(dependency: DependencySpec): [string, 'degrade' | 'stop'][] {
  if (typeof dependency === 'string') return [];
  const { name, whenMissing = 'wait' } = dependency;
  return whenMissing === 'wait' ? [] : [[name, whenMissing]];
}

function plannedStep(step: StepSpec, ofAgent: Estimate | undefined, part: number): PlannedStep {
  const source = step.source ?? 'reported';
  const typed = step.estimate ?? (ofAgent && scaled(ofAgent, part));
  return {
    name: step.name,
    source,
    weight: step.weight ?? 1,
    estimate: typed ?? sourceEstimates[source],
    isEstimated: typed !== undefined,
    share: step.share ?? 0.95,
    calls: step.calls ?? 20,
    ...(step.call !== undefined && { call: step.call }),
  };
}

/** Both ends times a factor. */
export function scaled([low, high]: Estimate, factor: number): Estimate {
  return [low * factor, high * factor];
}

/** Both ends summed up. */
export function sumOf(estimates: readonly Estimate[]): Estimate {
  return estimates.reduce<Estimate>((sum, [low, high]) => [sum[0] + low, sum[1] + high], [0, 0]);
}

/** The middle between both ends. */
export function midpointOf([low, high]: Estimate): number {
  return (low + high) / 2;
}
