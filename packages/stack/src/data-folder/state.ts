import type { DataLayout } from './layout.ts';
import { readJson, writePrivate } from './private-files.ts';

/** What was done in a data folder and need not be done again. */
export interface State {
  /** Which form of roles and schemas was set up: see `setupForm`. */
  setup: number;
  /** Whether the example ran to its end. */
  isExampleDone: boolean;
}

export async function readState(layout: DataLayout): Promise<State> {
  return { setup: 0, isExampleDone: false, ...(await readJson<Partial<State>>(layout.stateFile)) };
}

export async function changeState(layout: DataLayout, change: Partial<State>): Promise<void> {
  await writePrivate(layout.stateFile, `${JSON.stringify({ ...(await readState(layout)), ...change }, null, 2)}\n`);
}
