import type { Lack } from '@signalbox/shared/contracts/registry/board.js';
import type { Standing } from '../deployments/agent-standing.ts';

/** A registered agent that lacks something of what its deployment says how to live without. */
export interface Dependant {
  agent: string;
  lacks: Lack[];
}

/** Those of one deployment. */
export interface HeldDependants {
  workspace: string;
  deployment: string;
  agents: readonly Dependant[];
}

/** By the name of the registered agent, which may stand in the deployment under several. */
export function dependantsOf(standings: Iterable<Standing>): Map<string, Dependant> {
  const found = new Map<string, Dependant>();
  for (const { planned, lacks } of standings) {
    if (planned.kind !== 'agent' || lacks.length === 0) continue;
    found.set(planned.agent, { agent: planned.agent, lacks: [...(found.get(planned.agent)?.lacks ?? []), ...lacks] });
  }
  return found;
}

/** How many agents go on without something, or are out of routing for it, in the Prometheus text format. */
export function dependantMetrics(held: readonly HeldDependants[]): string {
  const rows = held.flatMap(({ workspace, deployment, agents }) => {
    const stopped = agents.filter(({ lacks }) => lacks.some(({ then }) => then === 'stop')).length;
    const labels = `workspace="${workspace}",deployment="${deployment}"`;
    return [
      `signalbox_deployment_dependants{${labels},then="degrade"} ${agents.length - stopped}`,
      `signalbox_deployment_dependants{${labels},then="stop"} ${stopped}`,
    ];
  });
  if (rows.length === 0) return '';
  return [
    '# HELP signalbox_deployment_dependants Agents that lack what they need, by what their deployment declares for that.',
    '# TYPE signalbox_deployment_dependants gauge',
    ...rows,
    '',
  ].join('\n');
}
