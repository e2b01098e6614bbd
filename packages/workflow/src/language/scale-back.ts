import { agentsOf, ExpressionError, type Graph } from '../core/graph.ts';
import type { WorkflowManifest } from './manifest.ts';
import { timeoutMs } from './timeout.ts';

/** Which smaller workflow new runs get while capacity is short, and when that is. Times in milliseconds. */
export interface ScaleBackPolicy {
  /** Another workflow of the workspace, which takes the same input. */
  to: string;
  /** How long capacity must have been short before, and been there again after it. */
  afterMs: number;
  restoreMs: number;
  /** It is short as well where the oldest task of a needed agent has waited longer; absent: only where nobody is there. */
  waitOverMs?: number;
  /** The agents that count; absent: those that its steps cannot do without. */
  agents?: readonly string[];
}

const afterMs = 30_000;
const restoreMs = 120_000;

/** The policy of a workflow; undefined where it has none. */
export function scaleBackOf({ scaleBack }: WorkflowManifest['spec']): ScaleBackPolicy | undefined {
  if (scaleBack === undefined) return undefined;
  const { to, after, restoreAfter, waitOver, agents } = scaleBack;
  return {
    to,
    afterMs: after === undefined ? afterMs : timeoutMs(after),
    restoreMs: restoreAfter === undefined ? restoreMs : timeoutMs(restoreAfter),
    ...(waitOver !== undefined && { waitOverMs: timeoutMs(waitOver) }),
    ...(agents && { agents }),
  };
}

/** Throws `ExpressionError` where a workflow is scaled back to itself, counts agents that it does not call, or calls none. */
export function checkScaleBack({ metadata, spec: { scaleBack } }: WorkflowManifest, graph: Pick<Graph, 'steps'>): void {
  if (scaleBack === undefined) return;
  if (scaleBack.to === metadata.name) throw new ExpressionError('is this workflow itself: name a smaller one', '/spec/scaleBack/to');
  const called = agentsOf(graph);
  const unknown = scaleBack.agents?.findIndex((agent) => !called.includes(agent)) ?? -1;
  if (unknown >= 0)
    throw new ExpressionError(`${scaleBack.agents?.[unknown] ?? ''} is called by no step`, `/spec/scaleBack/agents/${unknown}`);
  if (scaleBack.agents === undefined && neededAgents(graph).length === 0)
    throw new ExpressionError('no step needs an agent, so that capacity is never short: name agents, or leave it out', '/spec/scaleBack');
}

/**
 * What steps cannot do without: of each step that an agent does, the agents of which one must be there. Not those of steps that say what stands in, that undo, or
 * whose models may call agents.
 */
export function neededAgents({ steps }: Pick<Graph, 'steps'>): string[][] {
  const needs = steps.flatMap(({ kind, part, target, chooses, fallback, failover, unavailable }) => {
    if (kind !== 'agent' || part === 'undo' || unavailable !== undefined) return [];
    const others = [...(fallback === undefined ? [] : [fallback]), ...(failover?.to ?? [])];
    return (chooses?.agents ?? [target]).map((agent) => [...new Set([agent, ...others])]);
  });
  return [...new Map(needs.map((need) => [need.join(' '), need])).values()];
}
