import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

/** `expired`: its deadline ended it; `withdrawn`: its run ended before. */
export type ApprovalStatus = 'open' | 'approved' | 'rejected' | 'expired' | 'withdrawn';

/** Whoever has one of the roles, or is one of the principals, by identifier or by name. */
export interface Answerers {
  roles: string[];
  principals: string[];
}

/** Something that a workflow asks of people. */
export interface Approval {
  id: string;
  run: string;
  workflow: string;
  /** The step's key, `deploy[3]` for an item. */
  step: string;
  label: string;
  /** Lists give its first 500 characters. */
  message: string;
  status: ApprovalStatus;
  /** Null: whoever may answer approvals at all. */
  by: Answerers | null;
  askedAt: string;
  deadline: string | null;
  /** When who may answer was last reminded. */
  remindedAt: string | null;
  /** When it was answered, or ended without an answer. */
  answeredAt: string | null;
  answeredBy: { id: string; name: string } | null;
  /** Whether you may answer it now; if not and it is open, `whyNot` says why. */
  mayAnswer: boolean;
  whyNot: string | null;
}

export interface ApprovalDetail extends Approval {
  /** What is shown beside the message; cut where it is large (`{ truncated, bytes, preview }`). */
  shown: unknown;
  /** JSON Schema of the data that an approving answer carries; null: it carries none. */
  form: Record<string, unknown> | null;
  /** From when on others may answer too. */
  escalations: { at: string; by: Answerers }[];
  /** When who may answer is reminded; those to come. */
  reminders: string[];
  onDeadline: 'fail' | 'approve' | 'reject';
  /** What a rejection does to the run. */
  onReject: 'fail' | 'continue';
  startedBy: string;
  /** Of the answer. */
  data: unknown;
  comment: string | null;
}

export interface ApprovalQuery extends ListQuery {
  /** Any of these. */
  status?: ApprovalStatus | readonly ApprovalStatus[] | undefined;
  /** Only those that you may answer, or have answered. */
  mine?: boolean | undefined;
  run?: string | undefined;
  workflow?: string | undefined;
}

export interface ApprovalAnswer {
  approved: boolean;
  /** What the form asks for. */
  data?: unknown;
  comment?: string | undefined;
}

/** `/approvals`: what workflows ask of people. */
export class Approvals {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** The newest first. */
  list(query: ApprovalQuery = {}, options: RequestOptions = {}): Pages<Approval> {
    return new Pages(this.#http, '/approvals', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<ApprovalDetail> {
    return this.#http.json({ method: 'GET', path: path`/approvals/${id}`, ...options });
  }

  /**
   * Approves or rejects; the run goes on. The same answer again is the same answer. `ApiError` 403 when you may not answer it, 409 when it was
   * answered otherwise (it says by whom) or is not asked any more.
   */
  answer(id: string, answer: ApprovalAnswer, options: CreateOptions = {}): Promise<ApprovalDetail> {
    return this.#http.json({ method: 'POST', path: path`/approvals/${id}/answer`, body: answer, creates: true, ...options });
  }
}
