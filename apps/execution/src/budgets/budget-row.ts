import { measures, type Limits, type Measure, type Spend } from '@signalbox/workflow/core/budget.js';

export const columns: Record<Measure, string> = { tokens: 'tokens', costUsd: 'cost_usd', steps: 'steps' };

/** When the period began that runs now, by the clock of the database and in UTC. */
export const begunSql = `CASE WHEN b.period = 'total' THEN b.period_start ELSE date_trunc(b.period, now(), 'UTC') END`;

/** What is spent in the period that runs now: nothing where it has begun since something was written. */
export function spentSql(measure: Measure): string {
  return `CASE WHEN b.period_start < ${begunSql} THEN 0 ELSE b.spent_${columns[measure]} END`;
}

/** `limit_tokens` and the like. */
export function columnOf(kind: 'limit' | 'per_call' | 'spent' | 'given', measure: Measure): string {
  return `${kind}_${columns[measure]}`;
}

/** Amounts as four JSON objects `limit`, `per_call`, `spent`, `given`. */
export const amountsSql = `${objectSql('limit', (measure) => `b.${columnOf('limit', measure)}`)},
  ${objectSql('per_call', (measure) => `b.${columnOf('per_call', measure)}`)}, ${objectSql('spent', spentSql)},
  ${objectSql('given', (measure) => `b.${columnOf('given', measure)}`)}`;

export interface Amounts {
  limit: Limits;
  per_call: Limits;
  spent: Spend;
  given: Spend;
}

function objectSql(name: string, of: (measure: Measure) => string): string {
  return `jsonb_strip_nulls(jsonb_build_object(${measures.map((measure) => `'${measure}', ${of(measure)}`).join(', ')})) AS ${name}`;
}

/** Amounts in the order of `measures`, for parameters. */
export function valuesOf(amounts: Limits): (number | null)[] {
  return measures.map((measure) => amounts[measure] ?? null);
}
