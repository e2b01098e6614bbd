import { Fault } from '@signalbox/shared/errors/fault.js';
import type { DeploymentStep } from '@signalbox/shared/contracts/registry/deployment.js';
import { pendingStep, stepKey, type Facts, type StepFact } from './facts.ts';
import type { Plan, PlannedStep } from './plan.ts';

/** `not_found`: as if nothing had that name. */
export function unknownDeployment(name: string): Fault {
  return new Fault('not_found', `there is no deployment ${name}`, 'Check the name, or apply its manifest first.');
}

/** A step as it is shown. */
export function stepView(agent: string, step: Pick<PlannedStep, 'name' | 'source' | 'weight'>, fact: StepFact): DeploymentStep {
  return {
    agent,
    step: step.name,
    source: step.source,
    weight: step.weight,
    state: fact.state,
    fraction: fact.state === 'done' ? 1 : fact.state === 'begun' ? fact.fraction : 0,
    ...(fact.note !== undefined && { note: fact.note }),
    ...(fact.by !== undefined && { by: fact.by }),
    ...(fact.begunAt !== undefined && { begunAt: fact.begunAt.toISOString() }),
    ...(fact.endedAt !== undefined && { endedAt: fact.endedAt.toISOString() }),
  };
}

/** Every step of a plan as it is shown, in the manifest's order. */
export function stepViews(plan: Plan, facts: Facts): DeploymentStep[] {
  return plan.agents.flatMap((agent) =>
    agent.steps.map((step) => stepView(agent.name, step, facts.steps.get(stepKey(agent.name, step.name)) ?? pendingStep)),
  );
}

/** A step that may be reported. `not_found` where there is none of that name, `conflict` where it is not people who say whether it is done. */
export function reportableStep(plan: Plan, agent: string, step: string): PlannedStep {
  const planned = plan.agents.find((candidate) => candidate.name === agent);
  if (planned === undefined) throw new Fault('not_found', `the deployment has no agent ${agent}`, 'Look at its manifest.');
  const found = planned.steps.find((candidate) => candidate.name === step);
  if (found === undefined)
    throw new Fault('not_found', `the agent ${agent} has no step ${step}`, 'Look at the manifest of the deployment.');
  if (found.source !== 'reported') {
    throw new Fault(
      'conflict',
      `the step ${step} is not reported: Signalbox finds out itself (${found.source})`,
      'Report a step whose source is `reported`.',
    );
  }
  return found;
}
