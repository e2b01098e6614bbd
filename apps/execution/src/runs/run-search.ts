import type { ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import type { RunFilter, RunSort } from '@signalbox/shared/contracts/execution/run-filter.js';
import { decodeCursor, encodeCursor } from '@signalbox/shared/bus/page.js';
import { idPattern, toUuid } from '@signalbox/shared/ids/ids.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';

/** Words of one search. */
const wordsMax = 8;

/** How a sort reads its index: the value that goes before the run's id, and which runs have one. */
const sorts: Record<RunSort, { by?: string; type?: string; has?: string; direction: 'ASC' | 'DESC' }> = {
  newest: { direction: 'DESC' },
  oldest: { direction: 'ASC' },
  ended: { by: 'ended_at', type: 'timestamptz', has: 'ended_at IS NOT NULL', direction: 'DESC' },
  cost: { by: 'cost_usd', type: 'float8', has: 'cost_usd > 0', direction: 'DESC' },
  duration: { by: 'duration_ms', type: 'bigint', has: 'duration_ms IS NOT NULL', direction: 'DESC' },
};

/** What of a filter the index of a sort begins and ends with. */
const ranges: Record<RunSort, readonly (keyof RunFilter)[]> = {
  newest: ['startedAfter', 'startedBefore'],
  oldest: ['startedAfter', 'startedBefore'],
  ended: ['endedAfter', 'endedBefore'],
  cost: ['costMin', 'costMax'],
  duration: ['durationMinMs', 'durationMaxMs'],
};

/** A statement with its values. */
export interface Statement {
  text: string;
  values: unknown[];
}

/** Conditions over `run` with the values that they name. What is not asked for is not in the text, so that each search is planned for itself. */
class Conditions {
  private readonly parts: string[] = [];

  constructor(readonly values: unknown[] = []) {}

  /** `$` in the text stands for the value. */
  add(text: string, value?: unknown): void {
    this.parts.push(value === undefined ? text : text.replaceAll('$', this.value(value)));
  }

  value(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  get text(): string {
    return this.parts.join(' AND ');
  }
}

/** The runs of a workspace that a filter means, without what is searched for. */
function conditionsOf(workspace: string, filter: RunFilter, values: unknown[] = []): Conditions {
  const where = new Conditions(values);
  where.add('workspace = $', workspace);
  if (filter.status !== undefined && filter.status.length > 0) where.add(statusCondition(filter.status));
  if (filter.workflow !== undefined) where.add('workflow = $', filter.workflow);
  if (filter.startedAfter !== undefined) where.add('run_id >= $::uuid', firstUuidOf(filter.startedAfter));
  if (filter.startedBefore !== undefined) where.add('run_id < $::uuid', firstUuidOf(filter.startedBefore));
  if (filter.endedAfter !== undefined) where.add('ended_at IS NOT NULL AND ended_at >= $::timestamptz', filter.endedAfter);
  if (filter.endedBefore !== undefined) where.add('ended_at IS NOT NULL AND ended_at < $::timestamptz', filter.endedBefore);
  if (filter.costMin !== undefined) where.add(filter.costMin > 0 ? 'cost_usd > 0 AND cost_usd >= $' : 'cost_usd >= $', filter.costMin);
  if (filter.costMax !== undefined) where.add('cost_usd <= $', filter.costMax);
  if (filter.durationMinMs !== undefined) where.add('duration_ms IS NOT NULL AND duration_ms >= $', filter.durationMinMs);
  if (filter.durationMaxMs !== undefined) where.add('duration_ms IS NOT NULL AND duration_ms <= $', filter.durationMaxMs);
  if (filter.errorCode !== undefined) where.add('error_code IS NOT NULL AND error_code = $', filter.errorCode);
  if (filter.failedStep === '') where.add('failed_step IS NULL');
  else if (filter.failedStep !== undefined) where.add('failed_step = $', filter.failedStep);
  const id = idOf(filter);
  if (id !== undefined) where.add('run_id = $::uuid', id);
  if (filter.problem === 'open') where.add('error_code IS NOT NULL AND resolution IS NULL AND parent IS NULL');
  else if (filter.problem !== undefined) where.add('error_code IS NOT NULL AND parent IS NULL AND resolution = $', filter.problem);
  return where;
}

/** `waiting` is what a running run does: the row says it beside the status. No committed run is `queued`. */
function statusCondition(statuses: readonly RunView['status'][]): string {
  const wanted = new Set(statuses);
  const ended = ['succeeded', 'failed', 'cancelled'].filter((status) => wanted.has(status as RunView['status']));
  const parts: string[] = [];
  if (ended.length > 0) parts.push(`status IN ('${ended.join(`', '`)}')`);
  if (wanted.has('running') && wanted.has('waiting')) parts.push(`status = 'running'`);
  else if (wanted.has('running')) parts.push(`(status = 'running' AND NOT is_waiting)`);
  else if (wanted.has('waiting')) parts.push(`(status = 'running' AND is_waiting)`);
  if (parts.length === 0) return 'false';
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' OR ')})`;
}

function wordsOf(filter: RunFilter): string[] {
  const id = idOf(filter);
  return id === undefined ? (filter.q ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, wordsMax) : [];
}

/** The run that the words name, where they are the identifier of one. */
function idOf({ q = '' }: RunFilter): string | undefined {
  return idPattern('run').test(q.trim()) ? toUuid(q.trim(), 'run') : undefined;
}

/**
 * Whether runs have to be looked through: no index has words, and under row security PostgreSQL uses none for labels and agents (their operators are
 * not leakproof).
 */
export function isLookedFor(filter: RunFilter): boolean {
  return filter.agent !== undefined || Object.keys(filter.labels ?? {}).length > 0 || wordsOf(filter).length > 0;
}

/** Adds what is looked for in each run. */
function addSearched(where: Conditions, filter: RunFilter): void {
  const { agent, labels = {} } = filter;
  if (agent !== undefined) where.add(`$::text = ANY(agents)`, agent);
  if (Object.keys(labels).length > 0) where.add(`labels @> $::jsonb`, JSON.stringify(labels));
  const text = `lower(workflow || ' ' || labels::text || ' ' || principal_name || ' ' || coalesce(error, ''))`;
  for (const word of wordsOf(filter)) where.add(`strpos(${text}, $) > 0`, word);
}

/** How the order of a sort is written, and where a run is in it. */
function orderOf({ by, direction }: (typeof sorts)[RunSort]): { order: string; position: string } {
  return by === undefined
    ? { order: `ORDER BY run_id ${direction}`, position: `''` }
    : { order: `ORDER BY ${by} ${direction}, run_id ${direction}`, position: `${by}::text` };
}

function addPlace(where: Conditions, { sort = 'newest', cursor }: ListRunsRequest): void {
  const { has } = sorts[sort];
  if (has !== undefined) where.add(has);
  if (cursor !== undefined) addCursor(where, sort, cursor);
}

/** One page of a search and the run behind it, by whatever index PostgreSQL thinks best. Rows of `run` with their `position`. */
export function pageStatement(workspace: string, request: ListRunsRequest, limit: number): Statement {
  const where = conditionsOf(workspace, request);
  addPlace(where, request);
  const { order, position } = orderOf(sorts[request.sort ?? 'newest']);
  return { text: `SELECT *, ${position} AS position FROM run WHERE ${where.text} ${order} LIMIT ${limit + 1}`, values: where.values };
}

/**
 * The next `size` runs in the order of the sort, looked through one after another: rows of `run_id`, `position`, `is_hit` and `number`, of the first
 * `limit` that the search means, and of the last one that was looked at, where there were so many.
 */
export function lookStatement(workspace: string, request: ListRunsRequest, size: number, limit: number): Statement {
  const sort = sorts[request.sort ?? 'newest'];
  const where = inOrder(workspace, request);
  addPlace(where, request);
  const all = conditionsOf(workspace, request, where.values);
  addSearched(all, request);
  const { order, position } = orderOf(sort);
  const columns = `run_id, ${position} AS position${sort.by === undefined ? '' : `, ${sort.by}`}`;
  const looked = `SELECT ${columns}, (${all.text}) AS is_hit FROM run WHERE ${where.text} ${order} LIMIT ${size}`;
  const numbered = `SELECT run_id, position, is_hit, (row_number() OVER (${order}))::int AS number FROM (${looked}) AS looked`;
  return {
    text: `SELECT * FROM (${numbered}) AS numbered WHERE is_hit OR number = ${size} ORDER BY number LIMIT ${limit}`,
    values: where.values,
  };
}

/** Of a filter, what one index has in the order of the sort: no run is passed over that does not count as looked through. */
function inOrder(workspace: string, filter: ListRunsRequest): Conditions {
  const { sort = 'newest', status = [], workflow, errorCode } = filter;
  const range = pick(filter, ranges[sort]);
  if (sorts[sort].by !== undefined) return conditionsOf(workspace, range);
  if (status.length > 0 && status.every((each) => each === 'running' || each === 'waiting')) {
    return conditionsOf(workspace, { ...range, status: ['running', 'waiting'] });
  }
  const unsuccessful = status.length === 1 && (status[0] === 'failed' || status[0] === 'cancelled') ? { status } : {};
  if (workflow !== undefined) return conditionsOf(workspace, { ...range, ...unsuccessful, workflow });
  return conditionsOf(workspace, { ...range, ...(errorCode === undefined ? unsuccessful : { errorCode }) });
}

function pick(filter: RunFilter, keys: readonly (keyof RunFilter)[]): RunFilter {
  return Object.fromEntries(keys.flatMap((key) => (filter[key] === undefined ? [] : [[key, filter[key]]])));
}

/** Runs that something is to be done to: those of a filter or those that are named (UUIDs), as far as `scope` (a condition over `run`) lets it. */
export interface Target {
  filter: RunFilter;
  ids: readonly string[] | null;
  scope: string;
  /** A run id: this one and later ones are not meant. */
  before: string;
}

/** The newest `limit` runs of a target. */
export function newestStatement(workspace: string, target: Target, limit: number): Statement {
  const where = targetConditions(workspace, target);
  return { text: `SELECT * FROM run WHERE ${where.text} ORDER BY run_id DESC LIMIT ${limit}`, values: where.values };
}

/** The ids of at most `limit` runs of a target behind another, the oldest first. */
export function targetStatement(workspace: string, target: Target, after: string, limit: number): Statement {
  const where = targetConditions(workspace, target);
  where.add('run_id > $::uuid', after);
  return { text: `SELECT run_id FROM run WHERE ${where.text} ORDER BY run_id LIMIT ${limit}`, values: where.values };
}

/** How many runs a target has, counted up to `max`. */
export function countStatement(workspace: string, target: Target, max: number): Statement {
  const where = targetConditions(workspace, target);
  return { text: `SELECT count(*)::int AS count FROM (SELECT 1 FROM run WHERE ${where.text} LIMIT ${max}) AS run`, values: where.values };
}

function targetConditions(workspace: string, { filter, ids, scope, before }: Target): Conditions {
  const where = conditionsOf(workspace, filter);
  where.add(scope);
  where.add('run_id < $::uuid', before);
  if (ids !== null) where.add('run_id = ANY($::uuid[])', ids);
  addSearched(where, filter);
  return where;
}

/** The position behind a row. */
export function cursorOf(sort: RunSort = 'newest', { run_id, position }: { run_id: string; position: string }): string {
  return encodeCursor(sorts[sort].by === undefined ? [run_id] : [position, run_id]);
}

function addCursor(where: Conditions, sort: RunSort, cursor: string): void {
  const { by, type, direction } = sorts[sort];
  const than = direction === 'DESC' ? '<' : '>';
  if (by === undefined) return where.add(`run_id ${than} $::uuid`, uuidOf(decodeCursor(cursor, 1)[0] as string));
  const [value = '', run = ''] = decodeCursor(cursor, 2);
  // What is no value of ours finds nothing before it can be an error of the database.
  if (!/^[\d .:+TZ-]{1,40}$|^\d[\d.e+-]{0,39}$/.test(value)) return where.add('false');
  where.add(`(${by}, run_id) ${than} (${where.value(value)}::${type ?? ''}, ${where.value(uuidOf(run))}::uuid)`);
}

/** A cursor's run; one that is no UUID finds nothing before it can be an error of the database. */
export function uuidOf(text: string): string {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : '00000000-0000-0000-0000-000000000000';
}

/** The first run id that a moment can have: ids begin with their time in milliseconds. */
export function firstUuidOf(moment: string | number): string {
  const time = typeof moment === 'number' ? moment : Date.parse(moment) || 0;
  const at = Math.min(Math.max(0, time), 2 ** 48 - 1);
  const hex = at.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
