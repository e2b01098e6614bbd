import type { FaultCause } from './isolations.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type IncidentStatus = 'open' | 'acknowledged' | 'resolved';
export type Severity = 'critical' | 'high' | 'medium' | 'low';

/** What one entry of a timeline tells. */
export type RecoveryStage =
  | 'detected'
  | 'isolated'
  | 'redistributed'
  | 'recovering'
  | 'trial'
  | 'recovered'
  | 'given-up'
  | 'released'
  | 'escalated'
  | 'acknowledged'
  | 'reminded'
  | 'noted'
  | 'resolved';

/** Faults of one cause that somebody should know of. */
export interface Incident {
  id: string;
  cause: FaultCause;
  title: string;
  severity: Severity;
  status: IncidentStatus;
  /** At most 100. */
  agents: string[];
  faults: number;
  owner: string | null;
  onCall: string | null;
  runbook: string | null;
  openedAt: string;
  updatedAt: string;
  acknowledgedBy: string | null;
  acknowledgedAt: string | null;
  /** A principal, or `registry` where it has ended by itself. */
  resolvedBy: string | null;
  resolvedAt: string | null;
  remindAt: string | null;
}

export interface IncidentEntry {
  at: string;
  stage: RecoveryStage;
  agent: string | null;
  instance: string | null;
  /** A principal, or `registry`. */
  by: string;
  text: string;
}

export interface IncidentDetail extends Incident {
  /** What happened, in order; at most 500 entries. */
  timeline: IncidentEntry[];
  /** Entries that were not kept. */
  dropped: number;
}

export interface IncidentQuery extends ListQuery {
  agent?: string | undefined;
  status?: IncidentStatus | undefined;
  severity?: Severity | undefined;
  cause?: FaultCause | undefined;
}

/** `/incidents`: what went wrong, what was done about it, and who looks after it. */
export class Incidents {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** The newest first. */
  list(query: IncidentQuery = {}, options: RequestOptions = {}): Pages<Incident> {
    return new Pages(this.#http, '/incidents', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<IncidentDetail> {
    return this.#http.json({ method: 'GET', path: path`/incidents/${id}`, ...options });
  }

  /** Says that somebody looks after it: nobody is reminded any more. */
  acknowledge(id: string, note?: string, options: RequestOptions = {}): Promise<Incident> {
    return this.#post(id, 'acknowledge', note, options);
  }

  /** Ends it; the next fault of its cause opens another. */
  resolve(id: string, note?: string, options: RequestOptions = {}): Promise<Incident> {
    return this.#post(id, 'resolve', note, options);
  }

  /** Adds to its timeline. */
  note(id: string, note: string, options: RequestOptions = {}): Promise<Incident> {
    return this.#post(id, 'notes', note, options);
  }

  #post(id: string, verb: string, note: string | undefined, options: RequestOptions): Promise<Incident> {
    const body = note === undefined ? {} : { note };
    return this.#http.json({ method: 'POST', path: `${path`/incidents/${id}`}/${verb}`, body, ...options });
  }
}
