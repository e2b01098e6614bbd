import type { UpgradeRunReply } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Graph, GraphStep } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { hasBegun, incompatibilities } from '@signalbox/workflow/core/upgrade.js';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { diff } from '@signalbox/workflow/language/diff.js';
import { checkInput } from '@signalbox/workflow/language/input-schema.js';

/** What going over from one definition to another means for a run. `graph`: of `to`. */
export function upgradeOf(state: RunState, from: Definition, to: Definition, graph: Graph): Omit<UpgradeRunReply, 'run'> {
  const isSame = state.graph.hash === to.hash;
  const obstacles = isSame ? [] : [...incompatibilities(state, graph), ...wrongInput(state, to)];
  const specs = [from, to].map(({ manifest }) => manifest.spec as unknown as Json) as [Json, Json];
  return {
    outcome: isSame ? 'unchanged' : obstacles.length > 0 ? 'impossible' : 'possible',
    from: state.graph.hash,
    to: to.hash,
    obstacles,
    asBegun: isSame ? [] : state.graph.steps.filter((step) => hasBegun(state, step.id) && isChanged(step, from, to)).map(({ key }) => key),
    changes: diff(...specs, 'spec').map((change) => ({ ...change })),
  };
}

function isChanged({ key, part }: GraphStep, from: Definition, to: Definition): boolean {
  if (part !== undefined) return false;
  const [before, after] = [from, to].map(({ manifest }) => manifest.spec.steps[key] as unknown as Json | undefined);
  return after !== undefined && diff(before, after).length > 0;
}

function wrongInput({ input }: RunState, { manifest }: Definition): { step: null; because: string }[] {
  try {
    checkInput(manifest.spec.input, input);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'invalid') throw thrown;
    return [{ step: null, because: `the input that it was started with does not fit any more: ${thrown.detail}` }];
  }
}
