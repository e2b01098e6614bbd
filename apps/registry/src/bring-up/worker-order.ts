import type { WorkerOrder } from '../runners/local-runner.ts';
import type { StepContext } from './step-outcome.ts';

/** What the local runner is to keep up for an agent, in `replicas` processes; null where it is not the one who starts it. */
export function workerOrder(
  { deployment, planned, agent }: Pick<StepContext, 'deployment' | 'planned' | 'agent'>,
  replicas: number,
): WorkerOrder | null {
  const worker = agent.spec.worker;
  if (agent.spec.kind !== 'worker' || worker?.runner !== 'local') return null;
  return {
    workspace: deployment.workspace,
    deployment: deployment.id,
    agent: planned.name,
    registered: { id: agent.id, name: agent.name, version: agent.version, hash: agent.hash },
    worker: { ...worker, replicas },
    grant: deployment.bearer,
  };
}
