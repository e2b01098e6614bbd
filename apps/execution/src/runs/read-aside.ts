import { isAway } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { applyTransition, type Graphs } from '@signalbox/workflow/core/apply.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import { hasEnded, newRun, type RunState } from '@signalbox/workflow/core/state.js';
import { readJournals, readReadable, type Queryable } from '../journal/journal-reader.ts';
import type { Definitions } from '../workflows/definitions.ts';

/** A run that was set aside, as far as its journal can be read, and the number of its next transition. */
export async function readAside(
  db: Queryable,
  definitions: Definitions,
  { run_id, workspace, definition }: { run_id: string; workspace: string; definition: string },
): Promise<{ state: RunState; next: number }> {
  const { transitions, next } = await readReadable(db, run_id);
  const { first, later } = await definitions.graphsOf(db, workspace, definition, transitions);
  return { state: restoreAside(run_id, first, transitions, later), next };
}

/** `conflict` where not all of a run that was set aside can be read: it could not go on. */
export async function requireReadable(
  db: Queryable,
  definitions: Definitions,
  { run_id, workspace, definition }: { run_id: string; workspace: string; definition: string },
): Promise<void> {
  try {
    const rows = (await readJournals(db, [run_id])).get(run_id) ?? [];
    const transitions = rows.flatMap((each) => each.transitions);
    await definitions.restore(db, workspace, run_id, definition, transitions);
  } catch (cause) {
    if (isAway(cause)) throw cause;
    const next = 'Restore its rows of the journal from a backup, or fail it.';
    throw new Fault('conflict', 'the run is set aside, and its record cannot be read', next, { cause });
  }
}

/** As `restore`, without what makes no sense. */
export function restoreAside(run: string, graph: Graph, transitions: readonly Transition[], graphs: Graphs): RunState {
  const state = newRun(run, graph);
  for (const transition of transitions) {
    try {
      applyTransition(state, transition, graphs);
    } catch (err) {
      log.warn('what is recorded of a run that was set aside makes no sense', { run, t: transition.t, err });
    }
  }
  if (hasEnded(state)) return state;
  state.status = 'running';
  state.quarantine ??= 'its record could not be read; the log of execution says why';
  return state;
}
