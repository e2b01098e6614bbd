import type { Board, BoardAgent, BoardPriority } from '@signalbox/shared/contracts/registry/board.js';
import type { DeploymentStatus, Eta } from '@signalbox/shared/contracts/registry/deployment.js';
import { isThere, rounded, standingsOf, type Standing } from './agent-standing.ts';
import { criticalPathOf, isCritical, type CriticalPath, type Schedule } from './critical-path.ts';
import type { Facts } from './facts.ts';
import { nextActions } from './next-actions.ts';
import type { Plan } from './plan.ts';

const dayMs = 86_400_000;

/** Slack below this share of what remains of the whole is `high`. */
const highShare = 0.25;

/** When the work ends at the low, middle and high ends of all estimates. */
export interface Schedules {
  low: CriticalPath;
  middle: CriticalPath;
  high: CriticalPath;
}

/** Days that agents take longer than they are thought to, by their names: see `slipsOf`. */
export type Slips = ReadonlyMap<string, number>;

/** How a deployment stands: computed from its plan and what is known, never typed in. With `slips`: how it would. */
export function boardOf(name: string, plan: Plan, facts: Facts, slips: Slips = new Map()): Board {
  const standings = standingsOf(plan, facts);
  const schedules = schedulesOf(standings, slips);
  const agents = plan.agents.map((agent) => boardAgent(standings.get(agent.name)!, facts, schedules));
  const total = agents.reduce((sum, agent) => sum + agent.progress, 0);
  const isDone = agents.every((agent) => agent.status === 'done');
  return {
    name,
    status: deploymentStatus(agents),
    progress: isDone ? 1 : Math.min(0.9999, rounded(total / agents.length)),
    remainingDays: rounded(schedules.middle.days),
    eta: isDone ? null : etaOf(schedules.low.days, schedules.middle.days, schedules.high.days, facts.now),
    agents,
    criticalPath: schedules.middle.path,
    nextActions: nextActions(standings, schedules),
    updatedAt: facts.now.toISOString(),
  };
}

/** The worst of the agents, in a word. */
function deploymentStatus(agents: readonly Pick<BoardAgent, 'status'>[]): DeploymentStatus {
  const has = (...statuses: BoardAgent['status'][]): boolean => agents.some((agent) => statuses.includes(agent.status));
  if (has('failed')) return 'failed';
  if (has('degraded', 'isolated')) return 'degraded';
  if (agents.every((agent) => agent.status === 'done')) return 'done';
  if (has('active', 'done')) return 'active';
  return has('starting') ? 'starting' : 'ready';
}

/** What remains, as work without what is there already. */
function schedulesOf(standings: ReadonlyMap<string, Standing>, slips: Slips): Schedules {
  const remaining = [...standings.values()].filter((standing) => !isThere(standing.status));
  const at = (end: 'low' | 'middle' | 'high'): CriticalPath =>
    criticalPathOf(
      remaining.map(({ planned: { name, dependsOn }, remaining: left }) => ({
        name,
        needs: dependsOn,
        days: Math.max(0, left[end] + (slips.get(name) ?? 0)),
      })),
    );
  return { low: at('low'), middle: at('middle'), high: at('high') };
}

function boardAgent(standing: Standing, facts: Facts, schedules: Schedules): BoardAgent {
  const { planned, status, statusReason, progress, steps, waitingFor, lacks, estimateDays } = standing;
  const schedule = schedules.middle.schedules.get(planned.name);
  const { breaker, stage } = (planned.kind === 'agent' ? facts.agents.get(planned.agent) : undefined) ?? {};
  return {
    name: planned.name,
    agent: planned.agent,
    ...(planned.kind !== 'agent' && { kind: planned.kind }),
    status,
    ...(statusReason !== undefined && { statusReason }),
    progress,
    steps: steps.map(({ planned: step, fact }) => ({
      name: step.name,
      source: step.source,
      state: fact.state,
      ...(fact.note !== undefined && { note: fact.note }),
    })),
    dependsOn: planned.dependsOn,
    waitingFor,
    ...(lacks.length > 0 && { lacks }),
    estimateDays,
    eta: schedule ? agentEta(planned.name, schedules, facts.now) : null,
    priority: schedule ? priorityOf(schedule, schedules.middle.days) : null,
    ...(planned.importance !== undefined && { importance: planned.importance }),
    slackDays: schedule ? rounded(schedule.slack) : null,
    critical: schedule !== undefined && isCritical(schedule),
    ...(breaker !== undefined && { breaker }),
    ...(stage !== undefined && { stage }),
  };
}

function agentEta(name: string, { low, middle, high }: Schedules, now: Date): Eta {
  const finish = (path: CriticalPath): number => path.schedules.get(name)!.earliestFinish;
  return etaOf(finish(low), finish(middle), finish(high), now);
}

function etaOf(low: number, middle: number, high: number, now: Date): Eta {
  return { days: [rounded(low), rounded(high)], at: new Date(now.getTime() + middle * dayMs).toISOString() };
}

/** From slack alone, against how long the whole still takes. */
function priorityOf(schedule: Schedule, days: number): BoardPriority {
  if (isCritical(schedule)) return 'critical';
  return schedule.slack < days * highShare ? 'high' : 'medium';
}
