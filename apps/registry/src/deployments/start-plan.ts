import type { Disturbed, PlannedAgent } from '@signalbox/shared/contracts/registry/start-deployment.js';
import type { BoardAgent } from '@signalbox/shared/contracts/registry/board.js';
import type { WorkerSpec } from '../manifests/manifest.ts';
import { waves } from './graph.ts';
import { registeredName, type Plan } from './plan.ts';

/** Of a command, a plan shows so many characters. */
const commandMax = 200;

/** What a start needs to know of the registered agent behind an agent of a deployment. */
export interface StartFact {
  kind: string;
  hash: string;
  worker?: WorkerSpec;
  /** Hashes of the versions that its processes run. */
  running: string[];
  /** Tasks that its instances have in hand. */
  inFlight: number;
}

/**
 * What starting does to each agent and other member, in waves: those of one wave come up side by side as soon as their dependencies are there.
 * `sharing`: which other deployments have it too, by its registered name.
 */
export function startPlan(
  plan: Plan,
  board: ReadonlyMap<string, Pick<BoardAgent, 'status'>>,
  facts: ReadonlyMap<string, StartFact>,
  sharing: ReadonlyMap<string, string[]> = new Map(),
): PlannedAgent[] {
  const nodes = plan.agents.map((agent) => ({ name: agent.name, needs: agent.dependsOn, planned: agent }));
  return waves(nodes).flatMap((wave, index) =>
    wave.map(({ planned }) => {
      const does = actionFor(planned, board.get(planned.name)!.status, planned.kind === 'agent' ? facts.get(planned.agent) : undefined);
      const disturbs = disturbanceOf(planned, does.action, facts, sharing);
      return {
        name: planned.name,
        ...(planned.kind !== 'agent' && { kind: planned.kind }),
        wave: index + 1,
        ...does,
        dependsOn: planned.dependsOn,
        ...(disturbs && { disturbs }),
      };
    }),
  );
}

/** What an action reaches beyond the deployment, as a restart and the command of a migration do; what is begun or looked at disturbs nobody. */
export function disturbanceOf(
  planned: Plan['agents'][number],
  action: PlannedAgent['action'],
  facts: ReadonlyMap<string, StartFact>,
  sharing: ReadonlyMap<string, string[]>,
): Disturbed | undefined {
  if (action !== 'restart' && action !== 'run') return undefined;
  const deployments = sharing.get(registeredName(planned)) ?? [];
  const tasks = planned.kind === 'agent' ? (facts.get(planned.agent)?.inFlight ?? 0) : 0;
  return tasks === 0 && deployments.length === 0 ? undefined : { tasks, deployments };
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
  if (planned.kind !== 'agent') return memberAction(planned, status);
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

function memberAction(
  { kind, agent, member }: Plan['agents'][number],
  status: BoardAgent['status'],
): Pick<PlannedAgent, 'action' | 'because'> {
  if (kind === 'migration') {
    if (status === 'done') return { action: 'keep', because: 'It has run and is not run again.' };
    return { action: 'run', because: `Its command is run once: ${member!.command!.join(' ').slice(0, commandMax)}` };
  }
  if (status === 'done') return { action: 'keep', because: 'It is there.' };
  const what = {
    'mcp-server': `the MCP server ${agent} is ready and lists its tools`,
    workflow: `the workflow ${agent} is applied`,
    secret: `the secret ${agent} is there`,
    'context-store': 'shared state can be read',
    agent: '',
  }[kind];
  return { action: 'look', because: `Nothing is started: it is looked whether ${what}.` };
}

function whatStarts({ kind, worker }: StartFact): string {
  if (kind !== 'worker') return 'It is called where it is; its steps look whether it answers.';
  if (worker?.runner !== 'local') return 'Somebody else starts it; its first beat is awaited.';
  const replicas = worker.replicas ?? 1;
  return replicas === 1 ? 'One process is started.' : `${replicas} processes are started.`;
}
