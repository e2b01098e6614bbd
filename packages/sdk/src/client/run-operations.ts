import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Run, RunFilter } from './runs.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

export type RunAction = 'cancel' | 'retry' | 'fork' | 'dismiss' | 'delete' | 'upgrade';

/** What is to be done to which runs. */
export interface RunOrder {
  action: RunAction;
  /** The runs, at most 1,000; either these or `filter`. */
  ids?: readonly string[] | undefined;
  /** All runs that are like this; `{}`: all. */
  filter?: RunFilter | undefined;
  /** Of `fork`: the steps that are done again. */
  from?: readonly string[] | undefined;
  /** Of `dismiss`: why. */
  note?: string | undefined;
  /** Runs that were started from then on are not meant; what a preview said. Without it, now. */
  before?: string | undefined;
}

/** Something that is being done, or was done, to many runs. */
export interface RunOperation {
  id: string;
  action: RunAction;
  /** Null: the runs were named. */
  filter: Record<string, unknown> | null;
  from: string[] | null;
  note: string | null;
  status: 'running' | 'done' | 'cancelled' | 'failed';
  /** Of a failed one: why it could not go on. */
  reason: string | null;
  total: number;
  done: number;
  failed: number;
  startedBy: string;
  createdAt: string;
  endedAt: string | null;
}

export interface RunOperationDetail extends RunOperation {
  /** The first two hundred. */
  failures: { run: string; code: string; detail: string }[];
}

/** Which runs an order means. */
export interface RunOrderPreview {
  count: number;
  /** More than 100,000: no operation takes so many. */
  isMore: boolean;
  /** Those that were started before then: with it, `start` means the same. */
  before: string;
  /** The newest of them. */
  sample: Run[];
  /** Of `upgrade`: those of `sample` that do not fit, and why. */
  unfit?: { run: string; code: string; detail: string }[];
}

/** Whoever waits for an operation asks this often. */
const askMs = 500;

/** `/run-operations`: what is done to many runs at once. */
export class RunOperations {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** Says which runs are meant, and does nothing. */
  preview(order: RunOrder, options: RequestOptions = {}): Promise<RunOrderPreview> {
    return this.#http.json({ method: 'POST', path: '/run-operations', body: { ...bodyOf(order), dryRun: true }, ...options });
  }

  /** Begins; it goes on in the service. `ApiError` 429 when more than 100,000 runs are meant. */
  async start(order: RunOrder, options: CreateOptions = {}): Promise<RunOperation> {
    const { operation } = await this.#http.json<{ operation: RunOperation }>({
      method: 'POST',
      path: '/run-operations',
      body: bodyOf(order),
      creates: true,
      ...options,
    });
    return operation;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<RunOperation> {
    return new Pages(this.#http, '/run-operations', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<RunOperationDetail> {
    return this.#http.json({ method: 'GET', path: path`/run-operations/${id}`, ...options });
  }

  /** Ends it; what it has done stays done. */
  cancel(id: string, options: RequestOptions = {}): Promise<RunOperation> {
    return this.#http.json({ method: 'POST', path: path`/run-operations/${id}/cancel`, creates: true, ...options });
  }

  /** Every state that it is seen in, until it has ended. */
  async *follow(id: string, options: RequestOptions = {}): AsyncGenerator<RunOperationDetail> {
    for (;;) {
      const operation = await this.get(id, options);
      yield operation;
      if (operation.status !== 'running') return;
      await new Promise((resolve) => setTimeout(resolve, askMs));
      options.signal?.throwIfAborted();
    }
  }
}

function bodyOf({ filter, ...order }: RunOrder): object {
  if (filter === undefined) return order;
  const { labels, status, ...rest } = filter;
  return {
    ...order,
    filter: {
      ...rest,
      ...(status !== undefined && { status: typeof status === 'string' ? [status] : status }),
      ...(labels !== undefined && {
        labels: Object.fromEntries(labels.map((label) => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)])),
      }),
    },
  };
}
