import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Run, RunStatus } from './runs.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import { ifMatch, path } from './transport.ts';
import type { ApplyOptions, CreateOptions, RequestOptions, Transport } from './transport.ts';

/** One time, or one event, that was to start a run, and what became of it. */
export interface Firing {
  key: string;
  /** The time that was due, or when the event came. */
  time: string;
  /** The last of several times that were missed together. */
  until: string | null;
  /** `waiting`: it starts when the run before has ended. */
  outcome: 'started' | 'waiting' | 'skipped' | 'failed';
  /** Why it was skipped or failed. */
  reason: string | null;
  run: string | null;
  /** How the run stands; null where there is none, or it is not kept any more. */
  runStatus: RunStatus | null;
  at: string;
}

/** What narrows a history. */
export interface FiringQuery extends ListQuery {
  outcome?: Firing['outcome'] | undefined;
}

export type OverlapPolicy = 'skip' | 'queue' | 'allow' | 'cancelOther';

export interface Schedule {
  id: string;
  name: string;
  description: string | null;
  labels: Labels;
  workflow: string;
  /** Five fields or `@daily` and the like; null where it is `every`. */
  cron: string | null;
  every: string | null;
  /** The IANA zone that `cron` is read in. */
  timeZone: string;
  overlap: OverlapPolicy;
  state: 'active' | 'paused' | 'ended';
  pausedReason: string | null;
  pausedBy: string | null;
  /** When it is due next, without its jitter; null while it is paused and when it has ended. */
  nextTime: string | null;
  lastTime: string | null;
  /** What became of the newest firing. */
  last: Firing | null;
  /** Whose rights its runs have. */
  appliedBy: string;
  version: number;
  createdAt: string;
  updatedAt: string;
}

/** `spec` of a manifest of kind Schedule. */
export interface ScheduleSpec {
  workflow: string;
  /** How urgent its runs are, from 1 (goes first) to 5; as the workflow says if absent. */
  priority?: number;
  /** With expressions over `schedule.time`, `schedule.localTime`, `schedule.name` and `schedule.manual`. */
  input?: unknown;
  cron?: string;
  every?: string | number;
  timeZone?: string;
  overlap?: OverlapPolicy;
  catchUp?: { window?: string | number; max?: number };
  jitter?: string | number;
  start?: string;
  end?: string;
}

/** One schedule, with its manifest. */
export interface ScheduleDetail extends Schedule {
  manifest: Manifest<ScheduleSpec>;
}

/** What narrows a list of schedules. */
export interface ScheduleQuery extends ListQuery {
  workflow?: string | undefined;
  state?: Schedule['state'] | undefined;
}

/** What times are asked for. */
export interface Preview extends Pick<ScheduleSpec, 'cron' | 'timeZone' | 'start' | 'end'> {
  every?: string;
  /** 5 if absent, at most 100. */
  count?: number;
}

/** `/schedules`: workflows that are started at given times. */
export class Schedules {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ScheduleQuery = {}, options: RequestOptions = {}): Pages<Schedule> {
    return new Pages(this.#http, '/schedules', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<ScheduleDetail> {
    return this.#http.json({ method: 'GET', path: path`/schedules/${name}`, ...options });
  }

  /** From then on its runs have the caller's rights. */
  apply(
    manifest: Manifest<ScheduleSpec>,
    query: ApplyQuery = {},
    { expectedVersion, ...options }: ApplyOptions = {},
  ): Promise<Applied<Schedule>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/schedules/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...ifMatch(expectedVersion),
      ...options,
    });
  }

  /** Takes it and its history away; its runs go on and stay. */
  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/schedules/${name}`, ...options });
  }

  pause(name: string, reason?: string, options: RequestOptions = {}): Promise<Schedule> {
    return this.#http.json({ method: 'POST', path: path`/schedules/${name}/pause`, body: { reason }, ...options });
  }

  /** Lets it go on with its next time from now: what passed meanwhile is not caught up. */
  resume(name: string, options: RequestOptions = {}): Promise<Schedule> {
    return this.#http.json({ method: 'POST', path: path`/schedules/${name}/resume`, ...options });
  }

  /** Starts what it starts, now and with the caller's own rights. */
  run(name: string, options: CreateOptions = {}): Promise<Run> {
    return this.#http.json({ method: 'POST', path: path`/schedules/${name}/runs`, creates: true, ...options });
  }

  /** The next times of a schedule that need not exist yet. */
  preview(preview: Preview, options: RequestOptions = {}): Promise<{ times: string[] }> {
    return this.#http.json({ method: 'POST', path: '/schedules/preview', body: preview, ...options });
  }

  /** What it started, skipped and failed to start, the newest first. */
  firings(name: string, query: FiringQuery = {}, options: RequestOptions = {}): Pages<Firing> {
    return new Pages(this.#http, path`/schedules/${name}/firings`, query, options);
  }
}
