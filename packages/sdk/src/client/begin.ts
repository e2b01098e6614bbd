import type { Run } from './runs.ts';
import type { CreateOptions, Transport } from './transport.ts';

/** Starts a run there: answers at once, or with the run as it stands after `waitMs`, or when it has ended. */
export function beginRun(
  http: Transport,
  path: string,
  { waitMs, ...body }: { waitMs?: number | undefined },
  options: CreateOptions,
): Promise<Run> {
  return http.json({ method: 'POST', path, query: { waitMs }, body, creates: true, timeoutMs: 30_000 + (waitMs ?? 0), ...options });
}
