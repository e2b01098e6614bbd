import type { BoardStatus, Lack, WaitingFor } from '@signalbox/shared/contracts/registry/board.js';
import type { Estimate } from '../manifests/manifest.ts';
import { pendingStep, stepKey, type Facts, type MemberFact, type StepFact } from './facts.ts';
import { inOrder } from './graph.ts';
import { midpointOf, registeredName, scaled, sumOf, type Plan, type PlannedAgent, type PlannedStep } from './plan.ts';

/** How one agent of a deployment stands by itself and towards what it depends on. */
export interface Standing {
  planned: PlannedAgent;
  status: BoardStatus;
  statusReason?: string;
  /** Exactly 1 when done. */
  progress: number;
  steps: { planned: PlannedStep; fact: StepFact }[];
  waitingFor: WaitingFor[];
  /** What it lacks now that it is up, of what it says how to live without. */
  lacks: Lack[];
  /** Of the whole of it. */
  estimateDays: Estimate;
  /** What is left of it, in days: low, middle, high. */
  remaining: { low: number; middle: number; high: number };
}

/** A status with which an agent counts as there for those who depend on it. */
export function isThere(status: BoardStatus): boolean {
  return status === 'done' || status === 'degraded';
}

/** How each agent stands, by name; dependencies before dependants. */
export function standingsOf(plan: Plan, facts: Facts): Map<string, Standing> {
  const standings = new Map<string, Standing>();
  for (const { planned } of inOrder(plan.agents.map((agent) => ({ name: agent.name, needs: agent.dependsOn, planned: agent })))) {
    standings.set(planned.name, standingOf(planned, facts, standings));
  }
  return standings;
}

function standingOf(planned: PlannedAgent, facts: Facts, before: ReadonlyMap<string, Standing>): Standing {
  const steps = planned.steps.map((step) => ({ planned: step, fact: facts.steps.get(stepKey(planned.name, step.name)) ?? pendingStep }));
  const progress = progressOf(steps);
  const missing = planned.dependsOn.flatMap((dependency) => waitOn(dependency, facts, before));
  const waitingFor = [...missing, ...missingManifest(planned, facts)];
  const lacks = progress === 1 ? missing.flatMap((lack) => lackOf(lack, planned)) : [];
  return {
    planned,
    progress,
    steps,
    ...withIts(planned, statusOf(planned, steps, progress, waitingFor, facts), before, lacks),
    lacks,
    waitingFor: progress === 1 ? [] : waitingFor,
    ...estimatesOf(planned, steps, facts),
  };
}

/** The weighted share of what is done, 1 only if all is. */
function progressOf(steps: readonly { planned: PlannedStep; fact: StepFact }[]): number {
  if (steps.every(({ fact }) => fact.state === 'done')) return 1;
  const total = steps.reduce((sum, { planned }) => sum + planned.weight, 0);
  const done = steps.reduce((sum, { planned, fact }) => sum + planned.weight * fractionOf(fact), 0);
  return Math.min(0.9999, Math.round((done / total) * 10_000) / 10_000);
}

function fractionOf(fact: StepFact): number {
  return fact.state === 'done' ? 1 : fact.state === 'begun' ? fact.fraction : 0;
}

function statusOf(
  planned: PlannedAgent,
  steps: Standing['steps'],
  progress: number,
  waitingFor: WaitingFor[],
  facts: Facts,
): { status: BoardStatus; statusReason?: string } {
  const failed = steps.find(({ fact }) => fact.state === 'failed');
  if (failed) return { status: 'failed', statusReason: `${failed.planned.name}: ${failed.fact.note ?? 'failed'}` };
  if (progress === 1) return afterAll(planned, facts);
  const begun = steps.find(({ fact }) => fact.state === 'begun');
  const isMoving = steps.some(({ planned: step, fact }) => fact.state === 'done' || (fact.state === 'begun' && step.source === 'reported'));
  if (isMoving || begun) {
    const reason = begun?.fact.note === undefined ? {} : { statusReason: `${begun.planned.name}: ${begun.fact.note}` };
    return { status: isMoving ? 'active' : 'starting', ...reason };
  }
  // What is there already, whoever made it.
  const note = planned.kind === 'agent' ? undefined : facts.members.get(planned.name)?.note;
  const reason = note === undefined ? {} : { statusReason: note };
  if (waitingFor.length > 0) return { status: 'waiting', ...reason };
  return { status: planned.dependsOn.length === 0 ? 'parallel' : 'ready', ...reason };
}

function lackOf({ on, because }: WaitingFor, { whenMissing }: PlannedAgent): Lack[] {
  const then = whenMissing.get(on);
  return then === undefined ? [] : [{ on, because, then }];
}

/** What an agent or member goes on without, or what it stops for, in a sentence. */
export function lackText(lacks: readonly Pick<Lack, 'on' | 'because' | 'then'>[]): string {
  const stops = lacks.filter(({ then }) => then === 'stop');
  const told = (stops.length > 0 ? stops : lacks).map(({ on, because }) => `${on}, which is not there (${because})`).join(', and ');
  return stops.length > 0 ? `it needs ${told}` : `it goes on without ${told}`;
}

/** What is done and needs an agent that is isolated goes on as well as it can. */
function withIts(
  planned: PlannedAgent,
  own: Pick<Standing, 'status' | 'statusReason'>,
  before: ReadonlyMap<string, Standing>,
  lacks: readonly Lack[],
): Pick<Standing, 'status' | 'statusReason'> {
  if (own.status === 'done' && lacks.length > 0) return { status: 'degraded', statusReason: lackText(lacks) };
  const isolated = own.status === 'done' ? planned.dependsOn.find((name) => before.get(name)?.status === 'isolated') : undefined;
  return isolated === undefined ? own : { status: 'degraded', statusReason: `it needs ${isolated}, which is isolated` };
}

/** All steps are done: is it still well? Only where we look after it, not where a person reports. */
function afterAll(planned: PlannedAgent, facts: Facts): { status: BoardStatus; statusReason?: string } {
  if (!isOurs(planned)) return { status: 'done' };
  if (planned.kind !== 'agent') return memberAfterAll(facts.members.get(planned.name));
  const agent = facts.agents.get(planned.agent);
  if (agent === undefined) return { status: 'failed', statusReason: `the agent ${planned.agent} is not registered any more` };
  if (agent.status !== 'failed' && agent.status !== 'degraded' && agent.status !== 'isolated') return { status: 'done' };
  return { status: agent.status, ...(agent.statusReason !== undefined && { statusReason: agent.statusReason }) };
}

function memberAfterAll(fact: MemberFact | undefined): { status: BoardStatus; statusReason?: string } {
  if (fact === undefined || fact.standing === 'well') return { status: 'done' };
  return { status: fact.standing === 'missing' ? 'failed' : 'degraded', statusReason: fact.note };
}

/** Whether a step of it is ours to make or to watch. */
function isOurs(planned: PlannedAgent): boolean {
  return planned.steps.some((step) => step.source !== 'reported');
}

function missingManifest(planned: PlannedAgent, facts: Facts): WaitingFor[] {
  if (!isOurs(planned)) return [];
  if (planned.kind !== 'agent') {
    const fact = facts.members.get(planned.name);
    return fact?.standing === 'missing' ? [{ on: registeredName(planned), because: fact.note }] : [];
  }
  if (facts.agents.has(planned.agent)) return [];
  return [{ on: `agent:${planned.agent}`, because: `no agent ${planned.agent} is registered; apply its manifest` }];
}

function waitOn(dependency: string, facts: Facts, before: ReadonlyMap<string, Standing>): WaitingFor[] {
  const standing = before.get(dependency);
  if (standing !== undefined) return isThere(standing.status) ? [] : [{ on: dependency, because: reasonOf(standing) }];
  const fact = facts.infrastructure.get(dependency);
  if (fact?.isUp === true) return [];
  return [{ on: dependency, because: fact?.because ?? 'nobody could say whether it is up' }];
}

function reasonOf({ status, statusReason, progress, waitingFor }: Standing): string {
  switch (status) {
    case 'isolated':
    case 'failed':
      return `${status}${statusReason === undefined ? '' : `: ${statusReason}`}`;
    case 'waiting':
      return `waits itself for ${waitingFor.map(({ on }) => on).join(' and ')}`;
    case 'ready':
    case 'parallel':
      return 'not started';
    default:
      return `${status}, ${Math.round(progress * 100)} % done`;
  }
}

function estimatesOf(planned: PlannedAgent, steps: Standing['steps'], facts: Facts): Pick<Standing, 'estimateDays' | 'remaining'> {
  const ofSteps = steps.map(({ planned: step, fact }) => {
    const seen = step.source === 'reported' ? undefined : facts.history.get(stepKey(registeredName(planned), step.name));
    const whole = seen ?? step.estimate;
    return { whole, isEstimated: step.isEstimated, left: scaled(whole, 1 - fractionOf(fact)) };
  });
  const left = sumOf(ofSteps.map((step) => step.left));
  const isTyped = ofSteps.every((step) => step.isEstimated);
  const whole = isTyped ? planned.estimateDays : sumOf(ofSteps.map((step) => step.whole));
  return {
    estimateDays: [rounded(whole[0]), rounded(whole[1])],
    remaining: { low: rounded(left[0]), middle: rounded(midpointOf(left)), high: rounded(left[1]) },
  };
}

/** Days to the millionth (0.1 s): what sums of parts add behind that is noise. */
export function rounded(days: number): number {
  return Math.round(days * 1e6) / 1e6;
}
