import type { FaultDetail } from '@signalbox/shared/errors/fault.js';
import type { GraphStep } from '../core/graph.ts';
import { escape } from './template.ts';

/** A compiled step before it is known who waits for it. */
export type Draft = Omit<GraphStep, 'dependents'>;

/** By each step: those that wait for it. */
export function dependentsOf(drafts: readonly Draft[]): number[][] {
  const dependents: number[][] = drafts.map(() => []);
  for (const { id, needs } of drafts) for (const need of needs) dependents[need]?.push(id);
  return dependents;
}

/** What needed a step, directly or not, is undone before it: its undoing waits for that of the nearest that have one. */
export function orderUndoing(drafts: Draft[], dependents: number[][]): void {
  const undoOf = new Map(drafts.flatMap(({ id, undoes }) => (undoes === undefined ? [] : [[undoes, id] as const])));
  for (const draft of drafts) {
    if (draft.undoes === undefined) continue;
    const seen = new Set<number>();
    const needs: number[] = [];
    const open = [...(dependents[draft.undoes] as number[])];
    for (let s = open.pop(); s !== undefined; s = open.pop()) {
      if (seen.has(s)) continue;
      seen.add(s);
      const undo = undoOf.get(s);
      if (undo === undefined) open.push(...(dependents[s] as number[]));
      else needs.push(undo);
    }
    draft.needs = needs;
    for (const need of needs) dependents[need]?.push(draft.id);
  }
}
/** What is wrong where steps wait for each other, naming those of the first cycle in their order. */
export function cycleOf(drafts: readonly Draft[]): FaultDetail | undefined {
  const state = new Map<number, 'open' | 'done'>();
  for (const { id: root } of drafts) {
    const path: { id: number; next: number }[] = [];
    if (!state.has(root)) path.push({ id: root, next: 0 });
    while (path.length > 0) {
      const top = path.at(-1) as { id: number; next: number };
      state.set(top.id, 'open');
      const draft = drafts[top.id] as Draft;
      const need = draft.needs[top.next++];
      if (need === undefined) {
        state.set(top.id, 'done');
        path.pop();
      } else if (state.get(need) === 'open') {
        const cycle = path.slice(path.findIndex(({ id }) => id === need)).map(({ id }) => (drafts[id] as Draft).key);
        const names = [...cycle, cycle[0]].join(' needs ');
        const section = draft.part === 'finally' ? 'finally' : 'steps';
        return { pointer: `/spec/${section}/${escape(draft.key)}/needs`, detail: `the steps wait for each other: ${names}` };
      } else if (!state.has(need)) path.push({ id: need, next: 0 });
    }
  }
  return undefined;
}
