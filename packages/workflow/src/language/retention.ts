import { durationMs } from '../core/duration.ts';
import { ExpressionError } from '../core/graph.ts';
import type { WorkflowManifest } from './manifest.ts';

const hourMs = 3_600_000;
const maxMs = 3_650 * 24 * hourMs;

/** How long ended runs stay after their end, in milliseconds by how they ended; who is not named stays as the service is configured. */
export type Retention = Partial<Record<'succeeded' | 'failed' | 'cancelled', number>>;

/** The retention of a workflow; undefined where it has none. Throws `ExpressionError` for less than an hour or more than ten years. */
export function retentionOf({ retention }: WorkflowManifest['spec']): Retention | undefined {
  if (retention === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(retention).map(([status, duration]) => {
      const ms = durationMs(duration) ?? 0;
      if (ms >= hourMs && ms <= maxMs) return [status, ms];
      throw new ExpressionError('must be from 1h to 3650d', `/spec/retention/${status}`);
    }),
  );
}
