import type { Graph, GraphStep } from '../core/graph.ts';
import type { Random } from './random.ts';
import { graphWithout } from './random-graph.ts';

/** Another version of a workflow: some steps are gone, some are new or different, and all stand in another order. `number` tells it from others. */
export function variantOf(graph: Graph, random: Random, number: number): Graph {
  const kept = graphWithout(
    graph,
    graph.steps.filter(() => random.chance(0.08)).map(({ id }) => id),
  );
  const steps = kept.steps.map((step) => (random.chance(0.1) ? changed(step, random) : step));
  if (random.chance(0.6)) addStep(steps, random, number);
  return { ...shuffled({ ...kept, steps }, random), hash: `sha256:${number}` };
}

function changed(step: GraphStep, random: Random): GraphStep {
  if (random.chance(0.2)) return { ...step, kind: step.kind === 'tool' ? 'agent' : step.kind === 'agent' ? 'tool' : step.kind };
  if (random.chance(0.2) && step.items !== undefined && step.part === undefined && step.itemNeeds === undefined) {
    const { items: _, maxFailures: __, ...once } = step;
    return once;
  }
  return { ...step, target: `${step.target}2`, timeoutMs: step.timeoutMs + 100 };
}

/** One that some wait for, or that waits for some. */
function addStep(steps: GraphStep[], random: Random, number: number): void {
  const id = steps.length;
  const main = steps.filter(({ part }) => part === undefined);
  const isFirst = random.chance(0.3);
  const needs = isFirst ? [] : main.filter(() => random.chance(0.3)).map((step) => step.id);
  steps.push({
    id,
    key: `n${number}`,
    kind: random.chance(0.5) ? 'agent' : 'value',
    needs,
    dependents: [],
    maxParallel: 1,
    target: 'agent0',
    input: () => number,
    retry: { attempts: 2, initialMs: 10, factor: 2, maxMs: 100, nonRetryable: [] },
    timeoutMs: 1_000,
    onError: 'continue',
  });
  const last = main.at(-1);
  if (isFirst && last !== undefined) steps[last.id] = { ...last, needs: [...last.needs, id] };
}

function shuffled(graph: Graph, random: Random): Graph {
  const order = graph.steps.map(({ id }) => id);
  for (let at = order.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    [order[at], order[other]] = [order[other] as number, order[at] as number];
  }
  const ids = new Map(order.map((old, id) => [old, id]));
  const idOf = (old: number): number => ids.get(old) as number;
  const steps = order.map((old, id) => {
    const { undoes, stream, needs, ...step } = graph.steps[old] as GraphStep;
    return {
      ...step,
      id,
      needs: needs.map(idOf),
      ...(undoes !== undefined && { undoes: idOf(undoes) }),
      ...(stream !== undefined && { stream: idOf(stream) }),
    };
  });
  return {
    ...graph,
    steps: steps.map((step) => ({ ...step, dependents: steps.filter(({ needs }) => needs.includes(step.id)).map(({ id }) => id) })),
  };
}
