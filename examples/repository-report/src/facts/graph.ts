import type { PackageFacts } from './package-facts.ts';

/** One package imports another, in so many files. */
export interface Edge {
  from: string;
  to: string;
  files: number;
  isTestOnly: boolean;
}

/** Which of the packages use which, by import, in order of names. Edges are between ids. */
export function edgesOf(packages: readonly PackageFacts[]): Edge[] {
  const idOf = new Map(packages.map((one) => [one.name, one.id]));
  return packages.flatMap(({ id, uses }) =>
    uses.flatMap(({ name, files, testFiles }) => {
      const to = idOf.get(name);
      return to === undefined || to === id ? [] : [{ from: id, to, files: files + testFiles, isTestOnly: files === 0 }];
    }),
  );
}

/** Layers: those of the first use none of the others, those of the next only earlier ones. `cyclic` holds what is in no layer. */
export function layersOf(ids: readonly string[], edges: readonly Edge[]): { layers: string[][]; cyclic: string[] } {
  const left = new Set(ids);
  const layers: string[][] = [];
  for (;;) {
    const free = [...left].filter((id) => !edges.some((edge) => edge.from === id && edge.to !== id && left.has(edge.to))).sort();
    if (free.length === 0) break;
    layers.push(free);
    for (const id of free) left.delete(id);
  }
  return { layers, cyclic: [...left].sort() };
}

/** One cycle among the packages, the first in order of names, as its ids; empty where there is none. */
export function cycleOf(ids: readonly string[], edges: readonly Edge[]): string[] {
  const { cyclic } = layersOf(ids, edges);
  const inside = new Set(cyclic);
  const nextOf = (id: string): string[] =>
    edges
      .filter((edge) => edge.from === id && inside.has(edge.to))
      .map((edge) => edge.to)
      .sort();
  for (const start of cyclic) {
    // A breadth-first walk back to the start gives the shortest way round.
    const cameFrom = new Map<string, string>();
    const queue = [start];
    while (queue.length > 0) {
      const at = queue.shift() as string;
      for (const next of nextOf(at)) {
        if (next === start) {
          const way = [at];
          for (let back = at; back !== start;) {
            back = cameFrom.get(back) as string;
            way.unshift(back);
          }
          return way;
        }
        if (!cameFrom.has(next)) {
          cameFrom.set(next, at);
          queue.push(next);
        }
      }
    }
  }
  return [];
}
