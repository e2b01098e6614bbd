import type { RunFilter, RunStatus } from '../client/runs.ts';
import { exitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Rule = (filter: RunFilter, operator: string, value: string, now: number) => void;

function text(name: 'workflow' | 'agent' | 'errorCode' | 'failedStep' | 'problem' | 'q'): Rule {
  return (filter, operator, value) => {
    only(operator, '=');
    Object.assign(filter, { [name]: value });
  };
}

function bounds(min: keyof RunFilter, max: keyof RunFilter, read: (value: string, now: number) => string | number): Rule {
  return (filter, operator, value, now) => {
    only(operator, '>', '<');
    Object.assign(filter, { [operator.startsWith('>') ? min : max]: read(value, now) });
  };
}

/** What a term may name. */
const rules: Record<string, Rule> = {
  status: (filter, operator, value) => {
    only(operator, '=');
    filter.status = value.split(',') as RunStatus[];
  },
  workflow: text('workflow'),
  agent: text('agent'),
  error: text('errorCode'),
  step: text('failedStep'),
  problem: text('problem'),
  q: text('q'),
  started: bounds('startedAfter', 'startedBefore', moment),
  ended: bounds('endedAfter', 'endedBefore', moment),
  cost: bounds('costMin', 'costMax', Number),
  took: bounds('durationMinMs', 'durationMaxMs', spanMs),
};

/**
 * The filter that `--where` terms say, each or several in one: `status=failed,cancelled`, `workflow=NAME`, `agent=NAME`, `label.NAME=VALUE`, `error=CODE`,
 * `step=KEY`, `problem=open`, `started>7d` (or a date), `ended<1h`, `cost>0.5`, `took>30s`.
 */
export function whereOf(terms: readonly string[], now: number): RunFilter {
  const filter: RunFilter = {};
  for (const term of terms.flatMap((each) => each.split(/\s+/)).filter(Boolean)) {
    const [, name = '', operator = '', value = ''] = /^([\w.-]+?)(>=?|<=?|=)(.+)$/.exec(term) ?? [];
    const label = /^label\.(.+)$/.exec(name)?.[1];
    if (label !== undefined && operator === '=') {
      filter.labels = [...(filter.labels ?? []), `${label}=${value}`];
      continue;
    }
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      throw new CliFailure(
        exitCode.usage,
        `${term} is no condition`,
        `Conditions are of ${Object.keys(rules).join(', ')} and label.NAME, as status=failed.`,
      );
    }
    rule(filter, operator, value, now);
  }
  return filter;
}

function only(operator: string, ...allowed: string[]): void {
  if (!allowed.includes(operator.charAt(0)))
    throw new CliFailure(exitCode.usage, `${operator} does not fit here`, `Use ${allowed.join(' or ')}.`);
}

/** `7d` is that long ago; else a date. */
function moment(value: string, now: number): string {
  const at = /^\d+(?:ms|[smhd])$/.test(value) ? now - spanMs(value) : Date.parse(value);
  if (!Number.isFinite(at))
    throw new CliFailure(exitCode.usage, `${value} is no time`, 'Say 30m, 12h or 7d (ago), or a date as 2026-11-26T12:00Z.');
  return new Date(at).toISOString();
}

function spanMs(value: string): number {
  const [, count, unit = 's'] = /^(\d{1,9}(?:\.\d+)?)(ms|[smhd])?$/.exec(value) ?? [];
  if (count === undefined) throw new CliFailure(exitCode.usage, `${value} is no span of time`, 'Say 500ms, 30s, 5m, 12h or 7d.');
  return Math.round(Number(count) * unitMs[unit as keyof typeof unitMs]);
}
