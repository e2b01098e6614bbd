import { mirrorOf } from '@signalbox/shared/contracts/execution/task-id.js';
import type { Failure, Usage } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { OpenTask } from '../dispatch/open-task.ts';
import { offeredTask, offerOf, type QueuedTask } from '../dispatch/queued-task.ts';

/** What became of a call. */
export interface Answered {
  /** Of what was answered, also where it is not as promised. */
  output: Json | undefined;
  error: Failure | undefined;
  /** Why the answer is not what the skill promises. */
  invalid: string | undefined;
  usage: Usage | undefined;
  tookMs: number;
}

/** A call that was answered, on its way to the version that is rolled out. */
export interface MirrorTask extends QueuedTask {
  /** The task that it is like. */
  readonly of: string;
  readonly rollout: string;
  readonly version: number;
  readonly stable: Answered;
  /** When its executor was let begin, on the monotonic clock. */
  startedAt: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** A call of the stable version as it goes to the new one, by who made it. */
export function mirrorTask(task: OpenTask, { rollout, version }: { rollout: string; version: number }, stable: Answered): MirrorTask {
  const { handover: _, startMs: __, traceparent: ___, priority: ____, ...offer } = offerOf(task);
  const plain = offeredTask(mirrorOf(task.id), { ...offer, version, idempotencyKey: mirrorOf(task.idempotencyKey), isMirror: true });
  return { ...plain, of: task.id, rollout, version, stable, startedAt: undefined, timer: undefined };
}
