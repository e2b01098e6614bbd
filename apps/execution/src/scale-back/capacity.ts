import type { Graph } from '@signalbox/workflow/core/graph.js';
import { neededAgents, type ScaleBackPolicy } from '@signalbox/workflow/language/scale-back.js';

/** How an agent stands towards new work. */
export interface Capacity {
  /** Why nobody can take work; undefined: somebody can. */
  away?: string;
  /** How long its oldest task waits, in milliseconds. */
  waitMs: number;
}

/** What a workflow is short of, in a sentence. */
export interface Shortage {
  agents: string[];
  because: string;
}

/** Of each of these, one agent must be there. */
export function needsOf(graph: Pick<Graph, 'steps'>, { agents }: ScaleBackPolicy): string[][] {
  return agents?.map((agent) => [agent]) ?? neededAgents(graph);
}

/** What is short; undefined: nothing is. */
export function shortageOf(needs: readonly string[][], of: (agent: string) => Capacity, waitOverMs = Infinity): Shortage | undefined {
  for (const agents of needs) {
    const told = agents.map((agent) => wrongWith(agent, of(agent), waitOverMs));
    if (told.every((each) => each !== undefined)) return { agents, because: told.join('; ') };
  }
  return undefined;
}

function wrongWith(agent: string, { away, waitMs }: Capacity, waitOverMs: number): string | undefined {
  if (away !== undefined) return `nobody is there for ${agent}: ${away}`;
  return waitMs > waitOverMs ? `a task of ${agent} has waited for ${Math.round(waitMs / 1_000)} s` : undefined;
}
