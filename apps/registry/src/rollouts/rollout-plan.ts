import type { GateMetric } from '@signalbox/shared/contracts/registry/gate.js';
import type { RolloutPlan } from '@signalbox/shared/contracts/registry/rollout.js';
import type { RolloutStrategy } from '@signalbox/shared/contracts/registry/rollout-terms.js';

export interface RolloutStepSpec {
  share?: number;
  labels?: Record<string, string>;
  holdMs?: number;
  pause?: boolean;
}

/** `spec.rollout` of an agent's manifest. */
export interface RolloutSpec {
  strategy: RolloutStrategy;
  steps?: RolloutStepSpec[];
  measures?: GateMetric[];
  /** Suites that are put to the new version when it begins. */
  evals?: string[];
  calls?: number;
  stickBy?: string;
  onFailure?: 'rollback' | 'pause';
}

const minuteMs = 60_000;
/** Where no processes are known. */
const quarters = 4;
export const stepsMax = 20;

/** What is done where a manifest names no steps. */
const defaultSteps: Record<Exclude<RolloutStrategy, 'rolling'>, RolloutPlan['steps']> = {
  // Watched while it has all calls.
  'all-at-once': [{ share: 1, holdMs: 10 * minuteMs }],
  canary: [0.05, 0.25, 0.5].map((share) => ({ share, holdMs: 10 * minuteMs })),
  // First beside the other, for as long as it takes to know how that one does; then in its place.
  // No call before all that is asked of evals holds.
  shadow: [{ share: 0, holdMs: 0 }],
  'blue-green': [
    { share: 0, holdMs: 5 * minuteMs },
    { share: 1, holdMs: 10 * minuteMs },
  ],
};

/** No worse than the stable version, but for differences that mean nothing. */
const defaultMeasures: GateMetric[] = [
  { metric: 'live.errorRate', maxRise: 0.1, slack: 0.02 },
  { metric: 'live.latencyP95Ms', maxRise: 0.25, slack: 100 },
];

export const callsDefault = 20;

/** How a version is rolled out: what its manifest says, and what it leaves out. */
export function planOf(spec: RolloutSpec, replicas = quarters): RolloutPlan {
  const { strategy, steps, measures = defaultMeasures, calls = callsDefault, stickBy = 'call', onFailure = 'rollback', evals } = spec;
  return {
    strategy,
    steps: steps?.map(({ share = 0, holdMs = 0, ...rest }) => ({ share, holdMs, ...rest })) ?? stepsOf(strategy, replicas),
    measures,
    calls,
    stickBy,
    onFailure,
    ...(evals !== undefined && { evals }),
  };
}

/** Rolling goes by processes; with many of them several at a time. */
function stepsOf(strategy: RolloutStrategy, replicas: number): RolloutPlan['steps'] {
  if (strategy !== 'rolling') return defaultSteps[strategy];
  const count = Math.min(replicas, stepsMax);
  return Array.from({ length: count }, (_, index) => ({ share: (index + 1) / count, holdMs: minuteMs }));
}
