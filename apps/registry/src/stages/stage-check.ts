import type { ApprovalsCheck, Blocker, GateCheck, StageCheck } from '@signalbox/shared/contracts/registry/stage-check.js';
import { stages, type Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { dayMs } from '../evidence/evidence-row.ts';
import { evidenceDaysDefault, gatesOf, type KnownGate } from '../gates/gate.ts';
import type { GateManifest } from '../manifests/manifest.ts';
import type { Holder, Measured, Move } from './facts.ts';
import { checkMetric } from './metric-check.ts';

/** All that decides whether a version may get to a stage. */
export interface StageFacts {
  agent: string;
  version: number;
  /** Who asks: its own approval does not count. */
  asker: string;
  gates: readonly KnownGate[];
  holders: ReadonlyMap<Stage, Holder>;
  /** By version: the one asked about, and those at stages. */
  measured: ReadonlyMap<number, readonly Measured[]>;
  /** Of the version, the newest first. */
  moves: readonly Move[];
  now: number;
}

/** Whether the version may get to the stage, gate by gate, and what to do where it may not. */
export function checkStage(stage: Stage, facts: StageFacts): StageCheck {
  const held = facts.holders.get(stage)?.version === facts.version;
  const gates = gatesOf(facts.gates, facts.agent, stage).map((gate) => checkGate(gate, stage, facts));
  const blockers = [...orderBlockers(stage, facts), ...gates.flatMap((gate) => gateBlockers(gate, stage, facts))];
  return { stage, held, allowed: blockers.length === 0, gates, blockers };
}

/** Approvals of the version for the stage that still count, the newest of each principal: none from before it was last taken from there. */
export function approvalsFor(stage: Stage, { moves, version }: Pick<StageFacts, 'moves' | 'version'>, freshFrom: number): Move[] {
  const concerning = moves.filter((move) => move.stage === stage && move.version === version);
  const demoted = concerning.findIndex(({ move }) => move === 'demoted');
  const since = demoted === -1 ? concerning : concerning.slice(0, demoted);
  const byPrincipal = new Map<string, Move>();
  for (const move of since) {
    if (move.move === 'approved' && move.at.getTime() > freshFrom && !byPrincipal.has(move.by)) byPrincipal.set(move.by, move);
  }
  return [...byPrincipal.values()];
}

function checkGate({ metadata, spec }: GateManifest, stage: Stage, facts: StageFacts): GateCheck {
  const { agent, version } = facts;
  const evidenceDays = spec.evidenceDays ?? evidenceDaysDefault;
  const lifeMs = evidenceDays * dayMs;
  const freshFrom = facts.now - lifeMs;
  const holder = facts.holders.get(stage);
  const before = holder?.version === version ? holder.previous : (holder?.version ?? null);
  const baseline = before === null ? null : { version: before, measured: facts.measured.get(before) ?? [] };
  const measured = facts.measured.get(version) ?? [];
  const metrics = spec.metrics.map((target) => checkMetric(target, { agent, version, stage, freshFrom, lifeMs, measured, baseline }));
  const approvals = spec.approvals && checkApprovals(spec.approvals, approvalsFor(stage, facts, freshFrom), facts.asker);
  const passed = metrics.every(({ standing }) => standing === 'met') && (approvals?.met ?? true);
  return { gate: metadata.name, passed, evidenceDays, metrics, ...(approvals && { approvals }) };
}

function checkApprovals({ count, roles }: { count: number; roles: string[] }, approvals: readonly Move[], asker: string): ApprovalsCheck {
  const given = approvals.filter((move) => move.by !== asker && move.roles.some((role) => roles.includes(role)));
  const own = approvals.some(({ by }) => by === asker);
  const met = given.length >= count;
  const says = `${given.length} of ${count} ${count === 1 ? 'approval' : 'approvals'} by ${roles.join(' or ')}${own && !met ? '; that of whoever asks does not count' : ''}`;
  return { count, roles, given: given.map(({ by, byName, at }) => ({ by, byName, at: at.toISOString() })), met, says };
}

/** Stages come one after the other. */
function orderBlockers(stage: Stage, { agent, version, holders }: StageFacts): Blocker[] {
  const before = stages[stages.indexOf(stage) - 1];
  if (before === undefined) return [];
  const holder = holders.get(before)?.version;
  if (holder === version) return [];
  const there = holder === undefined ? 'nothing is' : `version ${holder} is`;
  return [{ because: `version ${version} is not at ${before}: ${there}`, next: `signalbox promote ${agent}@${version} --to ${before}` }];
}

function gateBlockers({ gate, metrics, approvals }: GateCheck, stage: Stage, { agent, version }: StageFacts): Blocker[] {
  const short = metrics
    .filter(({ standing }) => standing !== 'met')
    .map(({ says, next }) => ({ because: `${gate}: ${says}`, next: next! }));
  if (approvals === undefined || approvals.met) return short;
  const next = `signalbox promote ${agent}@${version} --to ${stage} --approve`;
  return [...short, { because: `${gate}: ${approvals.says}`, next: `Have somebody else approve it: ${next}` }];
}
