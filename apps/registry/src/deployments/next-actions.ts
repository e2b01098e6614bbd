import type { BoardAction, BoardWithin, NextAction } from '@signalbox/shared/contracts/registry/board.js';
import { isThere, type Standing } from './agent-standing.ts';
import { isCritical } from './critical-path.ts';
import { byText } from './graph.ts';
import { midpointOf, scaled } from './plan.ts';
import type { Schedules } from './board.ts';

/** More than a person reads at once; the board has the rest. */
const actionsMax = 50;

const actionOrder: BoardAction[] = ['repair', 'start', 'finish', 'prepare', 'complete'];
const withinOrder: BoardWithin[] = ['now', '24h', '72h', 'week'];
const daysWithin: Record<BoardWithin, number> = { now: 0, '24h': 1, '72h': 3, week: 7 };
const tolerance = 1e-6;

interface Candidate extends NextAction {
  slack: number;
}

/**
 * What to do next, in order: what failed, what can start now (that which unblocks most first), which step of the active ones comes next, what can
 * start within 72 hours or a week if all goes fast, and what of the critical path should be done within the week.
 */
export function nextActions(standings: ReadonlyMap<string, Standing>, schedules: Schedules): NextAction[] {
  const open = [...standings.values()].filter((standing) => !isThere(standing.status) || standing.status === 'degraded');
  const candidates = open.flatMap((standing): Candidate[] => {
    const schedule = schedules.middle.schedules.get(standing.planned.name);
    const about = {
      agent: standing.planned.name,
      unblocks: dependantsOf(standing.planned.name, standings),
      slack: schedule?.slack ?? 0,
    };
    return actionsFor(standing, about.unblocks, schedules).map((action) => ({ ...about, ...action }));
  });
  return candidates
    .sort(inUrgency)
    .slice(0, actionsMax)
    .map(({ action, agent, because, unblocks, within }) => ({ action, agent, because, unblocks, within }));
}

type Action = Pick<NextAction, 'action' | 'because' | 'within'>;

function actionsFor(standing: Standing, unblocks: string[], schedules: Schedules): Action[] {
  const { planned, status, statusReason, waitingFor } = standing;
  const name = planned.name;
  switch (status) {
    case 'failed':
    case 'isolated':
    case 'degraded':
      return [{ action: 'repair', because: sentence(statusReason ?? `it is ${status}`), within: 'now' }];
    case 'ready':
    case 'parallel':
      return [{ action: 'start', because: whyStart(standing, unblocks, schedules), within: 'now' }, ...completion(name, schedules)];
    case 'starting':
    case 'active':
      return [...finishing(standing), ...completion(name, schedules)];
    default: {
      const within = withinOf(schedules.low.schedules.get(name)!.earliestStart);
      if (within === null) return [];
      const names = waitingFor.map(({ on }) => on);
      return [
        { action: 'prepare', because: `It can start when ${listed(names)} ${names.length === 1 ? 'is' : 'are'} there.`, within },
        ...completion(name, schedules),
      ];
    }
  }
}

function whyStart({ planned, status }: Standing, unblocks: string[], schedules: Schedules): string {
  const isOnPath = isCritical(schedules.middle.schedules.get(planned.name)!);
  const first = status === 'parallel' ? 'It needs nothing.' : 'All it needs is there.';
  const second = unblocks.length > 0 ? '' : ' Nothing waits for it; a free hand can take it.';
  return first + second + (isOnPath ? ' It has no slack.' : '');
}

/** The first step that is not done, by when its part of the estimate says. */
function finishing({ steps }: Standing): Action[] {
  const next = steps.find(({ fact }) => fact.state !== 'done');
  if (next === undefined) return [];
  const done = steps.filter(({ fact }) => fact.state === 'done').length;
  const note = next.fact.note === undefined ? '' : ` ${sentence(next.fact.note)}`;
  const days = midpointOf(scaled(next.planned.estimate, 1 - next.fact.fraction));
  const within = days <= daysWithin['24h'] ? '24h' : (withinOf(days) ?? 'week');
  return [{ action: 'finish', because: `The step ${next.planned.name} is next; ${done} of ${steps.length} are done.${note}`, within }];
}

/** A target of the week: a member of the critical path that should be done by then, but is not within three days anyway. */
function completion(name: string, { middle }: Schedules): Action[] {
  const { earliestFinish } = middle.schedules.get(name)!;
  if (!middle.path.includes(name) || withinOf(earliestFinish) !== 'week') return [];
  return [{ action: 'complete', because: 'It is on the critical path: what it slips, the whole slips.', within: 'week' }];
}

/** The narrowest window that holds a moment so many days away; null beyond a week. */
function withinOf(days: number): BoardWithin | null {
  return withinOrder.find((within) => days <= daysWithin[within] + tolerance) ?? null;
}

function inUrgency(left: Candidate, right: Candidate): number {
  return (
    withinOrder.indexOf(left.within) - withinOrder.indexOf(right.within) ||
    actionOrder.indexOf(left.action) - actionOrder.indexOf(right.action) ||
    right.unblocks.length - left.unblocks.length ||
    left.slack - right.slack ||
    byText(left.agent, right.agent)
  );
}

function dependantsOf(name: string, standings: ReadonlyMap<string, Standing>): string[] {
  return [...standings.values()]
    .filter((standing) => standing.progress < 1 && standing.planned.dependsOn.includes(name))
    .map((standing) => standing.planned.name)
    .sort(byText);
}

/** `a, b and c`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?]$/.test(trimmed) ? '' : '.'}`;
}
