import type { Gate, GateMetric } from '@signalbox/sdk/client/gates.js';
import { figure } from './stages.ts';
import type { StageCheck } from '@signalbox/sdk/client/stages.js';
import { counted } from './text.ts';

export const stages = ['integration', 'staging', 'production', 'full-access'] as const;

/** What is asked of one metric, in words. */
export function thresholdText({ min, max, maxRise, maxFall, slack }: Omit<GateMetric, 'metric'>): string {
  const parts = [
    min !== undefined && `at least ${figure(min)}`,
    max !== undefined && `at most ${figure(max)}`,
    maxRise !== undefined && `at most ${figure(maxRise * 100)} % above the version there`,
    maxFall !== undefined && `at most ${figure(maxFall * 100)} % below the version there`,
    slack !== undefined && `a difference of ${figure(slack)} means nothing`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

/** What a gate asks for beside its metrics. */
export function gateNote({ evidenceDays, builtIn, agents, replaces, approvals }: Gate): string {
  return [
    builtIn ? 'built in' : replaces === undefined ? 'applied' : `in place of ${replaces}`,
    agents === undefined ? 'all agents' : agents.join(', '),
    `evidence of the last ${counted(evidenceDays, 'day')}`,
    ...(approvals ? [`${counted(approvals.count, 'approval')} by ${approvals.roles.join(' or ')}`] : []),
  ].join(' · ');
}

/** `analyst version 3 may get to production; full access lacks 2 things.` */
export function gatesSentence(agent: string, version: number, checks: readonly StageCheck[]): string {
  const held = checks.filter((check) => check.held);
  const next = checks.find((check) => !check.held);
  const is = held.length === 0 ? 'is at no stage' : `is at ${held.at(-1)!.stage.replaceAll('-', ' ')}`;
  if (next === undefined) return `${agent} version ${version} ${is}.`;
  const to = next.stage.replaceAll('-', ' ');
  return `${agent} version ${version} ${is}; ${next.allowed ? `it may get to ${to}` : `for ${to}, ${counted(next.blockers.length, 'thing')} ${next.blockers.length === 1 ? 'lacks' : 'lack'}`}.`;
}
