import { readFile, writeFile } from 'node:fs/promises';
import type { Json } from '@signalbox/workflow/core/json.js';
import { diff } from '@signalbox/workflow/language/diff.js';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { factsOf, type Failing } from './check-case.ts';
import type { Outcome } from './play-case.ts';
import type { Case } from './suite.ts';

/** Compares a run with its golden file, or writes that. Gives whether it was written, and what differs. */
export async function checkGolden(one: Case, outcome: Outcome, isUpdating: boolean): Promise<{ isWritten: boolean; failing: Failing[] }> {
  const { golden, pointer } = one;
  if (golden === undefined) return { isWritten: false, failing: [] };
  const came = recordOf(outcome);
  const before = await readGolden(golden);
  const differences = diff(before, came);
  if (differences.length === 0) return { isWritten: false, failing: [] };
  if (isUpdating) {
    await writeFile(golden, `${JSON.stringify(came, null, 2)}\n`);
    return { isWritten: true, failing: [] };
  }
  const message =
    before === undefined ? 'the golden run is not written yet: --update writes it' : 'the run went another way than the golden one';
  return { isWritten: false, failing: [{ pointer: `${pointer}/golden`, message, ...(before !== undefined && { differences }) }] };
}

/** How a run went, as it is kept. */
function recordOf({ state, tookMs, events }: Outcome): Json {
  const steps = state.graph.steps.map(({ key }, id) => {
    const step = state.steps[id] as (typeof state.steps)[number];
    return [key, { ...factsOf(step), output: step.output ?? null }] as const;
  });
  const record = {
    status: state.status,
    tookMs,
    output: state.output ?? null,
    error: state.error ?? null,
    steps: Object.fromEntries(steps),
    events,
  };
  return JSON.parse(JSON.stringify(record)) as Json;
}

async function readGolden(file: string): Promise<Json | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliFailure(exitCode.usage, `cannot read ${file}: ${(error as Error).message}`, 'Check the path.');
  }
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new CliFailure(exitCode.usage, `${file} is not JSON: ${(error as Error).message}`, 'Write it again by --update.');
  }
}
