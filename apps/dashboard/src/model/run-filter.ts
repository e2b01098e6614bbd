import type { RunFilter, RunQuery, RunStatus } from '@signalbox/sdk/client/runs.js';

/** The statuses of runs, in the order of the filter. */
export const runStatuses: readonly RunStatus[] = ['running', 'waiting', 'queued', 'failed', 'succeeded', 'cancelled'];

/** Times that the filter offers, by what the address says. */
export const spans = { '1h': 'last hour', '24h': 'last 24 hours', '7d': 'last 7 days', '30d': 'last 30 days' } as const;
const spanMs: Record<string, number> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 };

export const sorts = {
  newest: 'newest first',
  oldest: 'oldest first',
  ended: 'ended last first',
  cost: 'dearest first',
  duration: 'longest first',
} as const;

/** Parameters of the address that say which runs are meant; `sort` is not among them. */
const names = ['status', 'q', 'workflow', 'agent', 'label', 'since', 'ended', 'error', 'step', 'problem', 'cost', 'took'] as const;
export type FilterName = (typeof names)[number];

/** Which runs the address means; what it says wrongly is left out. `now` fixes times that it says as spans. */
export function filterOf(search: URLSearchParams, now: number): RunFilter {
  const get = (name: FilterName): string | undefined => search.get(name) || undefined;
  const positive = (name: FilterName): number | undefined => {
    const value = Number(get(name));
    return value > 0 && value <= 1e9 ? value : undefined;
  };
  const ago = (name: FilterName): string | undefined => {
    const span = spanMs[get(name) ?? ''];
    return span === undefined ? undefined : new Date(now - span).toISOString();
  };
  const asked = (get('status') ?? '').split(',');
  const status = runStatuses.filter((each) => asked.includes(each));
  const labels = (get('label') ?? '').split(',').filter((label) => label.indexOf('=') > 0);
  const took = positive('took');
  const problem = (['open', 'replayed', 'dismissed'] as const).find((each) => each === get('problem'));
  const filter: RunFilter = {
    q: get('q'),
    workflow: get('workflow'),
    agent: get('agent'),
    startedAfter: ago('since'),
    endedAfter: ago('ended'),
    errorCode: get('error'),
    failedStep: get('step'),
    problem,
    costMin: positive('cost'),
    durationMinMs: took === undefined ? undefined : took * 1_000,
    ...(status.length > 0 && { status }),
    ...(labels.length > 0 && { labels }),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/** How the address sorts. */
export function sortOf(search: URLSearchParams): NonNullable<RunQuery['sort']> {
  const sort = search.get('sort') ?? '';
  return Object.hasOwn(sorts, sort) ? (sort as keyof typeof sorts) : 'newest';
}

/** What the address filters by, in words, each with the parameter that says it; statuses and words have their own fields. */
export function chipsOf(search: URLSearchParams): { name: FilterName; text: string }[] {
  const words: Partial<Record<FilterName, (value: string) => string>> = {
    workflow: (value) => `workflow ${value}`,
    agent: (value) => `agent ${value}`,
    label: (value) => value.split(',').join(' and '),
    since: (value) => `started in the ${spans[value as keyof typeof spans] ?? value}`,
    ended: (value) => `ended in the ${spans[value as keyof typeof spans] ?? value}`,
    error: (value) => `error ${value}`,
    step: (value) => `failed at ${value}`,
    problem: (value) => (value === 'open' ? 'nobody looked after' : value),
    cost: (value) => `cost at least $${value}`,
    took: (value) => `took at least ${value} s`,
  };
  return names.flatMap((name) => {
    const value = search.get(name);
    const text = value ? words[name]?.(value) : undefined;
    return text === undefined ? [] : [{ name, text }];
  });
}

/** The address without its filters; the order stays. */
export function unfiltered(search: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const name of names) next.delete(name);
  return next;
}

/** The part of the address that a saved view keeps. */
export function viewOf(search: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of [...names, 'sort'] as const) {
    const value = search.get(name);
    if (value) kept.set(name, value);
  }
  return kept.toString();
}
