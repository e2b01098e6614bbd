import type { MirrorResult, RolloutCheck, RolloutFigures, RolloutPlan, RolloutStep } from '@signalbox/shared/contracts/registry/rollout.js';
import { dayMs } from '../evidence/evidence-row.ts';
import { wilsonInterval } from '../evals/statistics.ts';
import { evidenceDaysDefault } from '../gates/gate.ts';
import type { Measured } from '../stages/facts.ts';
import { checkMetric, figure } from '../stages/metric-check.ts';
import { mirrorValues } from './mirror-totals.ts';

/** So sure it must be that too many calls fail: what may be chance is waited for. */
const confidence = 0.95;
const lifeMs = evidenceDaysDefault * dayMs;

/** All that decides how a rollout goes on. */
export interface RolloutFacts {
  agent: string;
  plan: RolloutPlan;
  /** At which step it is, and for how long, in milliseconds. */
  step: number;
  heldMs: number;
  /** Whether calls can go to the new version: a worker of it is there. */
  isReady: boolean;
  /** Nobody needs to be asked any more whether it goes on from a step that waits for that. */
  isPassed: boolean;
  /** Of the stable version since the rollout began, of the new one since the step did. */
  stable: RolloutFigures;
  candidate: RolloutFigures;
  /** Of calls that both had; null: none were mirrored. */
  mirror: MirrorResult | null;
  /** Of both, what evidence says: the newest of each metric and source. */
  stableEvidence: readonly Measured[];
  evidence: readonly Measured[];
  now: number;
}

export interface Verdict {
  move: 'wait' | 'step' | 'promote' | 'ask' | 'fail';
  because: string;
  checks: RolloutCheck[];
}

/** How a rollout goes on. */
export function judge(facts: RolloutFacts): Verdict {
  const { plan, step: at, heldMs, isReady, isPassed, candidate } = facts;
  const step = plan.steps[at]!;
  const checks = plan.measures.map((target) => check(target, facts));
  const verdict = (move: Verdict['move'], because: string): Verdict => ({ move, because, checks });
  const failed = checks.filter(({ standing }) => standing === 'failed');
  if (failed.length > 0) return verdict('fail', failed.map(({ says }) => says).join('; '));
  if (!isReady)
    return verdict('wait', `no instance says that it runs version ${candidate.version}: all calls go to version ${facts.stable.version}`);
  const leftMs = step.holdMs - heldMs;
  if (leftMs > 0) return verdict('wait', `the step lasts ${Math.ceil(leftMs / 1_000)} s more`);
  const lacking = plan.calls - candidate.calls;
  if (hasCalls(step) && lacking > 0) return verdict('wait', `${lacking} more calls of version ${candidate.version} are needed to judge it`);
  const open = checks.find(({ standing }) => standing === 'open');
  if (open !== undefined) return verdict('wait', open.says);
  if (step.pause === true && !isPassed) return verdict('ask', 'a person has to say that it goes on');
  if (at + 1 < plan.steps.length) return verdict('step', `step ${at + 1} of ${plan.steps.length} held`);
  return verdict('promote', 'all steps held');
}

/** Whether calls go to the new version in a step. */
export function hasCalls({ share, labels }: RolloutStep): boolean {
  return share > 0 || labels !== undefined;
}

function check(target: RolloutPlan['measures'][number], facts: RolloutFacts): RolloutCheck {
  const { agent, plan, step, stable, candidate, now } = facts;
  const { metric } = target;
  const isLive = metric.startsWith('live.');
  const about = { metric };
  if (isLive && !hasCalls(plan.steps[step]!))
    return { ...about, standing: 'met', says: `${metric}: no calls go to version ${candidate.version} yet` };
  if (isLive && candidate.calls < plan.calls)
    return { ...about, standing: 'open', says: `${metric}: ${candidate.calls} of ${plan.calls} calls that are needed to judge it` };
  const isMirrored = metric.startsWith('mirror.');
  const calls = isMirrored ? (facts.mirror?.pairs ?? 0) : candidate.calls;
  if (isMirrored && calls < plan.calls && metric !== 'mirror.count')
    return { ...about, standing: 'open', says: `${metric}: ${calls} of ${plan.calls} mirrored calls that are needed to judge it` };
  const mirrored = isMirrored && facts.mirror ? mirrorValues(facts.mirror) : undefined;
  // Of a stable version that has had few calls nothing can be said: as if it was not measured.
  const live = stable.calls < plan.calls ? [] : liveOf(stable, now);
  const before = isMirrored ? measuredOf(mirrored?.stable, now) : isLive ? live : facts.stableEvidence;
  const found = checkMetric(target, {
    agent,
    version: candidate.version,
    stage: 'production',
    freshFrom: now - lifeMs,
    lifeMs,
    measured: isMirrored ? measuredOf(mirrored?.candidate, now) : isLive ? liveOf(candidate, now) : facts.evidence,
    baseline: { version: stable.version, measured: before },
  });
  const shown = {
    ...about,
    ...(found.value !== undefined && { value: found.value }),
    ...(found.baseline !== undefined && { baseline: found.baseline }),
  };
  switch (found.standing) {
    case 'met':
      return { ...shown, standing: 'met', says: found.says };
    case 'short':
      // More come.
      if (metric === 'mirror.count') return { ...shown, standing: 'open', says: found.says };
      return isChance(metric, found.value!, found.shortBy!, calls)
        ? { ...shown, standing: 'open', says: `${found.says}, which may be chance after ${calls} calls` }
        : { ...shown, standing: 'failed', says: found.says };
    case 'no-baseline':
      // All calls go to the new version from the first step on: there will be none.
      if (isLive && plan.steps.every(({ share }) => share >= 1))
        return { ...shown, standing: 'met', says: `${metric} is ${figure(found.value!)}, with nothing to compare it with` };
      return { ...shown, standing: 'open', says: `${metric} cannot be compared yet: too little is known of version ${stable.version}` };
    default:
      return { ...shown, standing: 'open', says: found.next === undefined ? found.says : `${found.says}; ${found.next}` };
  }
}

/** Whether a rate of failures may lie above its bound by chance. */
function isChance(metric: string, value: number, shortBy: number, calls: number): boolean {
  if (metric !== 'live.errorRate' && metric !== 'mirror.errorRate') return false;
  return wilsonInterval(value, calls, confidence).low <= value - shortBy;
}

function measuredOf(values: Record<string, number> | undefined, now: number): Measured[] {
  return Object.entries(values ?? {}).map(([metric, value]) => ({ metric, value, source: 'mirror', evidence: '', at: new Date(now) }));
}

function liveOf({ errorRate, latencyP95Ms, latencyMeanMs, costUsd }: RolloutFigures, now: number): Measured[] {
  return Object.entries({ errorRate, latencyP95Ms, latencyMeanMs, costUsd }).flatMap(([name, value]) =>
    value === undefined ? [] : [{ metric: `live.${name}`, value, source: 'live', evidence: '', at: new Date(now) }],
  );
}
