/** A node and what must be done before it; names that are no node of the graph count as done. */
export interface GraphNode {
  name: string;
  needs: readonly string[];
}

/** The nodes so that each comes after what it needs; among those that could come next, the first by name. Throws on a cycle. */
export function inOrder<Node extends GraphNode>(nodes: readonly Node[]): Node[] {
  return waves(nodes).flat();
}

/** The nodes in waves: each node in the first wave after those of all that it needs, sorted by name. Throws on a cycle. */
export function waves<Node extends GraphNode>(nodes: readonly Node[]): Node[][] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const waitingFor = new Map<string, number>();
  const neededBy = new Map<string, string[]>();
  for (const node of nodes) {
    const needs = new Set(node.needs.filter((need) => byName.has(need)));
    waitingFor.set(node.name, needs.size);
    for (const need of needs) (neededBy.get(need) ?? setDefault(neededBy, need)).push(node.name);
  }
  const result: Node[][] = [];
  let placed = 0;
  let wave = nodes.filter((node) => waitingFor.get(node.name) === 0).map((node) => node.name);
  while (wave.length > 0) {
    const next: string[] = [];
    result.push(wave.sort(byText).map((name) => byName.get(name)!));
    placed += wave.length;
    for (const name of wave) {
      for (const dependant of neededBy.get(name) ?? []) {
        const left = waitingFor.get(dependant)! - 1;
        waitingFor.set(dependant, left);
        if (left === 0) next.push(dependant);
      }
    }
    wave = next;
  }
  if (placed < byName.size) throw new Error('the graph has a cycle');
  return result;
}

/** One cycle, each name waiting for the next and the last for the first; null if there is none. Begins at its smallest name. */
export function cycleIn(nodes: readonly GraphNode[]): string[] | null {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const finished = new Set<string>();
  for (const start of [...byName.keys()].sort(byText)) {
    if (finished.has(start)) continue;
    // Depth first with a stack of our own: a chain may be longer than the engine's.
    const path: { name: string; needs: string[] }[] = [{ name: start, needs: needsOf(start) }];
    const onPath = new Set([start]);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const need = top.needs.pop();
      if (need === undefined) {
        finished.add(top.name);
        onPath.delete(top.name);
        path.pop();
      } else if (onPath.has(need)) {
        return fromSmallest(path.slice(path.findIndex((step) => step.name === need)).map((step) => step.name));
      } else if (!finished.has(need)) {
        onPath.add(need);
        path.push({ name: need, needs: needsOf(need) });
      }
    }
  }
  return null;

  function needsOf(name: string): string[] {
    return byName
      .get(name)!
      .needs.filter((need) => byName.has(need))
      .sort(byText);
  }
}

/** Order of plain text, the same everywhere. */
export function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function fromSmallest(cycle: string[]): string[] {
  const at = cycle.indexOf([...cycle].sort(byText)[0]!);
  return [...cycle.slice(at), ...cycle.slice(0, at)];
}

function setDefault(map: Map<string, string[]>, key: string): string[] {
  const list: string[] = [];
  map.set(key, list);
  return list;
}
