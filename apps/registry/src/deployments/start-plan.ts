import type { PlannedAgent } from '@signalbox/shared/contracts/registry/start-deployment.js';
import type { BoardAgent } from '@signalbox/shared/contracts/registry/board.js';
import type { WorkerSpec } from '../manifests/manifest.ts';
import { waves } from './graph.ts';
import type { Plan } from './plan.ts';

/** What a start needs to know of the registered agent behind an agent of a deployment. */
export interface StartFact {
  kind: string;
  hash: string;
  worker?: WorkerSpec;
  /** Hashes of the versions that its processes run. */
  running: string[];
}

/** What starting does to each agent, in waves: those of one wave come up side by side as soon as their dependencies are there. */
export function startPlan(
  plan: Plan,
  board: ReadonlyMap<string, Pick<BoardAgent, 'status'>>,
  facts: ReadonlyMap<string, StartFact>,
): PlannedAgent[] {
  const nodes = plan.agents.map((agent) => ({ name: agent.name, needs: agent.dependsOn, planned: agent }));
  return waves(nodes).flatMap((wave, index) =>
    wave.map(({ planned }) => ({
      name: planned.name,
      wave: index + 1,
      ...actionFor(planned, board.get(planned.name)!.status, facts.get(planned.agent)),
      dependsOn: planned.dependsOn,
    })),
  );
}

/** Whether processes of an agent run another version than the current one. */
export function isOutdated(fact: StartFact | undefined): boolean {
  return fact !== undefined && fact.running.some((hash) => hash !== fact.hash);
}

function actionFor(
  planned: Plan['agents'][number],
  status: BoardAgent['status'],
  fact: StartFact | undefined,
): Pick<PlannedAgent, 'action' | 'because'> {
  if (planned.steps.every((step) => step.source === 'reported')) {
    return { action: 'report', because: 'CI or a person reports its steps; nothing is started.' };
  }
  if (fact === undefined) return { action: 'start', because: `It waits until an agent ${planned.agent} is registered.` };
  if (isOutdated(fact)) {
    return {
      action: 'restart',
      because: `Its ${fact.running.length} processes run an older version: they finish what they have and are replaced.`,
    };
  }
  if (status === 'done') return { action: 'keep', because: 'It is up and stays as it is.' };
  return { action: 'start', because: whatStarts(fact) };
}

function whatStarts({ kind, worker }: StartFact): string {
  if (kind !== 'worker') return 'It is called where it is; its steps look whether it answers.';
  if (worker?.runner !== 'local') return 'Somebody else starts it; its first beat is awaited.';
  const replicas = worker.replicas ?? 1;
  return replicas === 1 ? 'One process is started.' : `${replicas} processes are started.`;
}
