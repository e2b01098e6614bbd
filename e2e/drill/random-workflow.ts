import type { Chance } from '../cases/chance.ts';

/** What a run of a workflow must come to: every result by its key, and the output. */
export interface Expected {
  /** `s2` or `s2[1]`, with how it must end. */
  units: Map<string, 'succeeded' | 'failed' | 'skipped'>;
  output: Record<string, unknown>;
}

export interface Drilled {
  manifest: object;
  expect: (input: DrillInput) => Expected;
}

export interface DrillInput {
  n: number;
  list: number[];
}

type Kind = 'agent' | 'value' | 'artifact' | 'wait' | 'workflow';

interface Plan {
  key: string;
  kind: Kind;
  needs: number[];
  /** The step runs if `n` is above it. */
  above: number | null;
  isFanned: boolean;
  isHopeless: boolean;
  failures: number;
  workMs: number;
}

const retry = { attempts: 60, backoff: { initialMs: 50, factor: 1.5, maxMs: 1_000 }, nonRetryable: ['invalid'] };

/** The workflow that some steps of others run: a task, and a value of what it gives. */
export const childWorkflow = {
  apiVersion: 'signalbox.dev/v1',
  kind: 'Workflow',
  metadata: { name: 'drill-child' },
  spec: {
    steps: {
      task: { agent: 'drill', with: { workMs: 20, failures: 0, isHopeless: false, gives: '${{ input.n }}' }, retry },
      twice: { value: '${{ steps.task.output * 2 }}' },
    },
    outputs: '${{ steps.twice.output }}',
  },
};

/** A random workflow of the drill's agent, artifacts, waits, values and child runs, with what each run of it must come to. */
export function randomWorkflow(chance: Chance, name: string): Drilled {
  const plans = Array.from({ length: 2 + chance.below(7) }, (_, place) => planOf(chance, place));
  const steps = Object.fromEntries(plans.map((plan) => [plan.key, stepOf(plan)]));
  const told = plans.filter(({ kind }) => kind !== 'artifact');
  return {
    manifest: {
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name },
      spec: { steps, outputs: Object.fromEntries(told.map(({ key }) => [key, `\${{ steps.${key}.output }}`])) },
    },
    expect: (input) => expectedOf(plans, input),
  };
}

function planOf(chance: Chance, place: number): Plan {
  const kind = chance.of<Kind>(['agent', 'agent', 'agent', 'agent', 'value', 'artifact', 'wait', 'workflow']);
  return {
    key: `s${place}`,
    kind,
    needs: Array.from({ length: place }, (_, earlier) => earlier).filter(() => chance.is(0.35)),
    above: chance.is(0.2) ? chance.below(10) : null,
    isFanned: (kind === 'agent' || kind === 'workflow' || kind === 'value') && chance.is(0.4),
    isHopeless: kind === 'agent' && chance.is(0.08),
    failures: chance.is(0.2) ? 1 + chance.below(2) : 0,
    workMs: 10 + chance.below(chance.is(0.1) ? 1_500 : 150),
  };
}

function stepOf({ key, kind, needs, above, isFanned, isHopeless, failures, workMs }: Plan): object {
  const what = isFanned ? '${{ item }}' : '${{ input.n }}';
  const task = { workMs, failures, isHopeless, gives: { of: key, what } };
  return {
    needs: needs.map((place) => `s${place}`),
    ...(above !== null && { if: `\${{ input.n > ${above} }}` }),
    ...(isFanned && { forEach: '${{ input.list }}', maxParallel: 4 }),
    ...(kind === 'agent' && { agent: 'drill', with: task, retry, ...(isHopeless && { onError: 'continue' }) }),
    ...(kind === 'value' && { value: { of: key, what } }),
    ...(kind === 'artifact' && { artifact: { name: `${key}.json`, content: { of: key, what } }, retry }),
    ...(kind === 'wait' && { wait: workMs * 4 }),
    ...(kind === 'workflow' && { workflow: 'drill-child', with: { n: what }, retry }),
  };
}

function expectedOf(plans: readonly Plan[], { n, list }: DrillInput): Expected {
  const units: Expected['units'] = new Map();
  const output: Expected['output'] = {};
  const skipped = new Set<string>();
  for (const plan of plans) {
    const { key, kind, needs, above, isFanned, isHopeless } = plan;
    const isAlone = needs.length > 0 && needs.every((place) => skipped.has(`s${place}`));
    if (above === null ? isAlone : n <= above) {
      skipped.add(key);
      units.set(key, 'skipped');
      if (kind !== 'artifact') output[key] = null;
      continue;
    }
    const ends = isHopeless ? 'failed' : 'succeeded';
    const give = (what: number): unknown => {
      if (isHopeless || kind === 'wait') return null;
      return kind === 'workflow' ? what * 2 : { of: key, what };
    };
    if (isFanned) list.forEach((_, index) => units.set(`${key}[${index}]`, ends));
    else units.set(key, ends);
    if (kind !== 'artifact') output[key] = isFanned ? list.map(give) : give(n);
  }
  return { units, output };
}
