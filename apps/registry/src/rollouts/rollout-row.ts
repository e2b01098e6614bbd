import type {
  Rollout,
  RolloutCheck,
  RolloutEntry,
  RolloutFigures,
  RolloutMove,
  RolloutPlan,
} from '@signalbox/shared/contracts/registry/rollout.js';
import type { RoutedMirror } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import type { RolloutStatus } from '@signalbox/shared/contracts/registry/rollout-terms.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { MirrorState } from './mirror-totals.ts';
import { figuresOf, type Totals } from './totals.ts';

/** A row of `rollout`. */
export interface RolloutRow {
  workspace: string;
  id: string;
  agent: string;
  agent_name: string;
  version: number;
  stable: number;
  status: RolloutStatus;
  reason: string;
  plan: RolloutPlan;
  step: number;
  step_at: Date;
  /** Whether calls can go to the new version. */
  is_ready: boolean;
  /** A person was asked whether it goes on from this step: whoever resumes it says so. */
  passed: boolean;
  stable_totals: Totals;
  totals: Totals;
  /** Null where no calls were mirrored. */
  mirror: MirrorState | null;
  /** The right to ask agents that grade mirrored calls, until it ends. */
  bearer: string | null;
  checks: RolloutCheck[];
  entries: number;
  event_version: string;
  by_principal: string;
  by_name: string;
  created_at: Date;
  updated_at: Date;
  ended_at: Date | null;
}

/** A row of `rollout_entry`. */
export interface RolloutEntryRow {
  at: Date;
  move: RolloutMove;
  step: number;
  by_principal: string;
  text: string;
  stable_figures: RolloutFigures | null;
  figures: RolloutFigures | null;
  checks: RolloutCheck[];
}

/** `not_found`: as if nothing had that name. */
export function unknownRollout(id: string): Fault {
  return new Fault('not_found', `there is no rollout ${id}`, 'List them: signalbox rollouts.');
}

/** Of the calls, as it is now. */
export function shareOf({ plan, step, status, is_ready: isReady }: RolloutRow): number {
  if (status === 'promoted') return 1;
  if (status === 'rolled-back' || status === 'superseded' || !isReady) return 0;
  return plan.steps[step]!.share;
}

/** How calls are mirrored now; undefined: none are. */
export function mirrorOf({ plan, step, mirror }: RolloutRow): RoutedMirror | undefined {
  const share = plan.steps[step]!.mirror ?? 0;
  if (share <= 0 || plan.mirror === undefined || mirror?.result.isSpent === true) return undefined;
  return { share, perSecond: plan.mirror.perSecond, inFlight: plan.mirror.inFlight };
}

/** A rollout as it is shown. */
export function rolloutView(row: RolloutRow): Rollout {
  return {
    id: fromUuid('rollout', row.id),
    agent: row.agent_name,
    version: row.version,
    stable: row.stable,
    status: row.status,
    reason: row.reason,
    plan: {
      ...row.plan,
      steps: row.plan.steps.map((step) => ({ ...step })),
      measures: row.plan.measures.map((measure) => ({ ...measure })),
    },
    step: row.step,
    stepSince: row.step_at.toISOString(),
    share: shareOf(row),
    stableFigures: figuresOf(row.stable, row.stable_totals),
    figures: figuresOf(row.version, row.totals),
    ...(row.mirror !== null && { mirror: row.mirror.result }),
    checks: row.checks.map((check) => ({ ...check })),
    by: row.by_principal,
    byName: row.by_name,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    ...(row.ended_at !== null && { endedAt: row.ended_at.toISOString() }),
  };
}

/** What happened, as it is shown. */
export function entryView({ at, by_principal: by, stable_figures: stableFigures, figures, checks, ...row }: RolloutEntryRow): RolloutEntry {
  return {
    at: at.toISOString(),
    move: row.move,
    step: row.step,
    by,
    text: row.text,
    ...(stableFigures !== null && { stableFigures: { ...stableFigures } }),
    ...(figures !== null && { figures: { ...figures } }),
    checks: checks.map((check) => ({ ...check })),
  };
}
