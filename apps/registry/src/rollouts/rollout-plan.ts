import type { GateMetric } from '@signalbox/shared/contracts/registry/gate.js';
import type { RolloutMirror, RolloutPlan } from '@signalbox/shared/contracts/registry/rollout.js';
import type { RolloutStrategy } from '@signalbox/shared/contracts/registry/rollout-terms.js';
import type { AgentSpec, Grader } from '../manifests/manifest.ts';

export interface RolloutStepSpec {
  share?: number;
  mirror?: number;
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
  /** Calling the agent once more changes nothing outside. */
  repeatable?: true;
  mirror?: Partial<RolloutMirror>;
  /** Graders of both answers of a mirrored call. */
  compare?: Grader[];
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

/** The same of calls that both versions had. */
const defaultMirrorMeasures: GateMetric[] = [
  { metric: 'mirror.errorRate', maxRise: 0.1, slack: 0.02 },
  { metric: 'mirror.p95Ms', maxRise: 0.25, slack: 100 },
];

export const callsDefault = 20;
export const mirrorDefault: RolloutMirror = { perSecond: 10, inFlight: 8, budgetUsd: 1 };

/** Whether live calls may be put to a version once more: it is a model without tools, or its manifest says that nothing comes of it. */
export function isRepeatable({ kind, llm, rollout }: AgentSpec): boolean {
  return (kind === 'llm' && (llm?.tools ?? []).length === 0) || rollout?.repeatable === true;
}

/** How a version is rolled out: what its manifest says, and what it leaves out. */
export function planOf(agent: AgentSpec): RolloutPlan {
  const spec = agent.rollout ?? { strategy: 'canary' };
  const { strategy, calls = callsDefault, stickBy = 'call', onFailure = 'rollback', evals, compare } = spec;
  // All of what a shadow is, unless a step says otherwise.
  const mirrored = strategy === 'shadow' && isRepeatable(agent) ? { mirror: 1 } : {};
  const steps = (spec.steps ?? stepsOf(strategy, agent.worker?.replicas ?? quarters)).map(({ share = 0, holdMs = 0, ...rest }) => ({
    share,
    holdMs,
    ...mirrored,
    ...rest,
  }));
  const mirrors = steps.some(({ mirror = 0 }) => mirror > 0);
  const { measures = mirrors ? [...defaultMirrorMeasures, ...defaultMeasures] : defaultMeasures } = spec;
  return {
    strategy,
    steps,
    measures,
    ...(mirrors && { mirror: { ...mirrorDefault, ...spec.mirror } }),
    ...(mirrors && compare !== undefined && { compare }),
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
