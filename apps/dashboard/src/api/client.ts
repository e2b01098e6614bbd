import { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { path, Transport, type ClientOptions } from '@signalbox/sdk/client/transport.js';
import type { RunState } from '@signalbox/sdk/client/runs.js';
import type { Page } from '@signalbox/sdk/client/pages.js';
import type { ApiKey, CreatedKey, Principal, WholeRun } from './shapes.ts';

let signedOut: () => void = () => undefined;
/** How far the server's clock is ahead of ours, in milliseconds. */
let clockAheadMs = 0;
/** A difference below this is the `Date` header's own coarseness. */
const clockCoarseMs = 1_500;
/** Steps that a page shows at most; a run beyond that is followed by its events. */
const stepsMax = 20_000;

/** Who is told when a request is refused because the session is over. */
export function whenSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** The server's time, as near as its answers tell. */
export function serverNow(): number {
  return Date.now() + clockAheadMs;
}

async function watchedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, { ...init, credentials: 'same-origin', cache: 'no-store' });
  const date = Date.parse(answer.headers.get('date') ?? '');
  if (!Number.isNaN(date)) {
    const ahead = date + 500 - Date.now();
    clockAheadMs = Math.abs(ahead) > clockCoarseMs ? ahead : 0;
  }
  if (answer.status === 401 && !answer.url.endsWith('/session')) signedOut();
  return answer;
}

const options: ClientOptions = {
  url: location.origin,
  // Proves to the gateway that one of its own pages sends this: no form of another site can set a header.
  headers: { 'x-signalbox': '1' },
  timeoutMs: 20_000,
  retries: 1,
  fetch: watchedFetch,
};
const http = new Transport(options);

/** The REST interface, by the browser's session. */
export const client = new SignalboxClient(options);

/** Operations that pages need and the typed client has not. */
export const session = {
  signIn: (key: string): Promise<void> => http.json({ method: 'POST', path: '/session', body: { key } }),
  signOut: (): Promise<void> => http.json({ method: 'DELETE', path: '/session' }),
};

export const keys = {
  list: (signal?: AbortSignal): Promise<Page<ApiKey>> => http.json({ method: 'GET', path: '/keys', query: { limit: 200 }, signal }),
  create: (body: { name: string; principal?: string; scopes?: string[]; expiresInS?: number }): Promise<CreatedKey> =>
    http.json({ method: 'POST', path: '/keys', body, creates: true }),
  revoke: (id: string): Promise<void> => http.json({ method: 'DELETE', path: path`/keys/${id}` }),
};

export const principals = {
  list: (signal?: AbortSignal): Promise<Page<Principal>> =>
    http.json({ method: 'GET', path: '/principals', query: { limit: 200 }, signal }),
  create: (body: { kind: 'service-account'; name: string; roles: string[] }): Promise<Principal> =>
    http.json({ method: 'POST', path: '/principals', body, creates: true }),
};

/** A run with all of its steps: those that did not fit into the first answer are read page by page. */
export async function wholeRun(id: string, signal?: AbortSignal): Promise<WholeRun> {
  const run = (await client.runs.get(id, { signal })) as WholeRun & { nextSteps?: string | null };
  const cursor = run.nextSteps ?? null;
  if (cursor === null) return run;
  const rest = await client.runs.steps(id, { cursor, limit: 200 }, { signal }).take(stepsMax);
  return { ...run, steps: [...run.steps, ...rest] };
}

/** A run with all of its steps, as it stood after one of its events. */
export async function wholeState(id: string, seq: number, signal?: AbortSignal): Promise<RunState> {
  const state = await client.runs.state(id, seq, {}, { signal });
  const steps = [...state.steps];
  for (let cursor = state.nextSteps; cursor !== null && steps.length < stepsMax;) {
    const more = await client.runs.state(id, seq, { cursor }, { signal });
    steps.push(...more.steps);
    cursor = more.nextSteps;
  }
  return { ...state, steps };
}
