import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** Amounts of what budgets count; absent: not said. */
export interface BudgetAmounts {
  /** In and out together. */
  tokens?: number;
  /** US dollars. */
  costUsd?: number;
  /** Attempts of steps. */
  steps?: number;
}

/** When it begins anew: never, each day or each month (UTC). */
export type BudgetPeriod = 'total' | 'day' | 'month';

/** What all runs of a workspace, of a workflow, or all calls to an agent may use together. */
export interface Budget {
  /** `workspace`, `workflow/<name>`, `agent/<name>`. */
  scope: string;
  description: string | null;
  labels: Labels;
  period: BudgetPeriod;
  limit: BudgetAmounts;
  /** What a call is taken to use at most whose step does not say it. */
  perCall: BudgetAmounts;
  /** In this period, by runs that have ended in it. */
  spent: Required<BudgetAmounts>;
  /** Set aside for runs that have not ended, what they have used of it with it. */
  given: Required<BudgetAmounts>;
  /** When the next period begins; null: never. */
  renewsAt: string | null;
  version: number;
  createdAt: string;
  updatedAt: string;
}

/** One budget, with what runs have of it. */
export interface BudgetDetail extends Budget {
  /** Added up at the same moment: as much as `given`. */
  slices: Required<BudgetAmounts>;
}

/** What is said of a budget. */
export interface BudgetSpec {
  /** At least one measure. */
  limit: BudgetAmounts;
  perCall?: BudgetAmounts;
  /** `total` if absent. */
  period?: BudgetPeriod;
  /** Absent: as they were. */
  labels?: Labels;
  /** What it is for; empty: nothing is said of it; absent: as it was. */
  description?: string;
}

/** `/budgets`: what runs may use together. */
export class Budgets {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** In the order of their scopes. */
  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Budget> {
    return new Pages(this.#http, '/budgets', query, options);
  }

  get(scope: string, options: RequestOptions = {}): Promise<BudgetDetail> {
    return this.#http.json({ method: 'GET', path: path`/budgets/${scope}`, ...options });
  }

  /** Creates it or replaces its limits; what is spent stays. It counts for runs that begin from then on. */
  apply(scope: string, spec: BudgetSpec, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Budget>> {
    return this.#http.json({ method: 'PUT', path: path`/budgets/${scope}`, query: { ...query }, body: spec, ...options });
  }

  /** Takes it away, with what was counted; runs that counted for it go on without it. */
  remove(scope: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/budgets/${scope}`, ...options });
  }
}
