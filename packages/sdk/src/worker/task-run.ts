import { ApiError, ConnectionError } from '../client/api-error.ts';
import type { SignalboxClient } from '../client/client.ts';
import type { RunError } from '../client/schema.ts';
import type { TaskOffer } from './protocol.ts';
import type { Check } from './schema-check.ts';
import { TaskError } from './skill.ts';
import type { TaskContext, WorkerSkill } from './skill.ts';

/** What a task ended with. */
export type Outcome = { output: unknown } | { error: RunError };

/** A skill with its compiled checks. */
export interface ReadySkill {
  skill: WorkerSkill;
  checkInput: Check;
  checkOutput: Check;
}

/** Larger results belong into an artifact: they would stand in every reader's way. */
const outputMaxChars = 8 * 1024 * 1024;
/** A timer holds at most 2^31 - 1 ms; a deadline that far away needs none. */
const timerMaxMs = 2 ** 31 - 1;
/** People read progress: more often than this is noise on the wire. */
const progressEveryMs = 100;

/** Runs one task to its outcome. It never throws: whatever happens is an outcome. */
export async function runTask(
  offer: TaskOffer,
  ready: ReadySkill | undefined,
  client: SignalboxClient,
  controller: AbortController,
  report: (message: string, fraction?: number) => void,
): Promise<Outcome> {
  if (!ready) {
    return failure(
      'invalid',
      `this worker has no skill ${offer.skill}`,
      'Compare the skill with those of the agent (signalbox agents NAME).',
    );
  }
  const inputFault = ready.checkInput(offer.input);
  if (inputFault !== null) return failure('invalid', `the input of ${offer.skill} does not fit: ${inputFault}`, 'Correct the step’s with.');
  const deadline = offer.deadline === null || offer.deadline === undefined ? null : new Date(offer.deadline);
  const leftMs = deadline === null ? timerMaxMs : deadline.getTime() - Date.now();
  if (leftMs <= 0) return failure('timeout', 'the deadline had passed before the task began', 'Give the step a longer timeout.');
  const timeout = setTimeout(() => controller.abort(new TaskError('timeout', 'the deadline has passed')), Math.min(leftMs, timerMaxMs));
  const progress = throttled(report);
  const ctx: TaskContext = {
    task: offer.task,
    attempt: offer.attempt,
    run: offer.run,
    step: offer.step,
    signal: controller.signal,
    deadline,
    idempotencyKey: offer.idempotencyKey,
    client,
    progress: progress.report,
  };
  try {
    const output: unknown = await ready.skill.run(offer.input, ctx);
    return checked(output ?? null, ready, offer.skill);
  } catch (error) {
    return { error: errorOf(error, controller.signal) };
  } finally {
    clearTimeout(timeout);
    progress.flush();
  }
}

function checked(output: unknown, ready: ReadySkill, skill: string): Outcome {
  let text: string | undefined;
  try {
    text = JSON.stringify(output);
  } catch (error) {
    return failure('internal', `the output of ${skill} cannot be written as JSON: ${(error as Error).message}`, 'Return plain data.');
  }
  if (text === undefined) return failure('internal', `the output of ${skill} is not data`, 'Return plain data.');
  if (text.length > outputMaxChars) {
    return failure(
      'limited',
      `the output of ${skill} is larger than 8 MiB`,
      'Keep it as an artifact (ctx.client.artifacts) and return its id.',
    );
  }
  const fault = ready.checkOutput(output);
  if (fault !== null) return failure('internal', `the output of ${skill} does not fit its schema: ${fault}`, 'Correct the worker.');
  return { output };
}

function errorOf(error: unknown, signal: AbortSignal): RunError {
  // What a function throws because it was stopped says less than why it was stopped.
  const cause: unknown = signal.aborted ? signal.reason : error;
  if (cause instanceof TaskError || cause instanceof ApiError) {
    return { code: cause.code, detail: cause.message, ...(cause.next !== undefined && { next: cause.next }) };
  }
  if (cause instanceof ConnectionError) return { code: cause.code === 'timeout' ? 'timeout' : 'unavailable', detail: cause.message };
  return { code: 'internal', detail: cause instanceof Error ? cause.message : String(cause) };
}

function failure(code: string, detail: string, next: string): Outcome {
  return { error: { code, detail, next } };
}

/** Lets the first message through at once and of those that follow too fast only the newest. */
function throttled(send: (message: string, fraction?: number) => void): {
  report: (message: string, fraction?: number) => void;
  flush: () => void;
} {
  let last = 0;
  let waiting: [string, number | undefined] | null = null;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (!waiting) return;
    const [message, fraction] = waiting;
    waiting = null;
    last = Date.now();
    send(message, fraction);
  };
  return {
    report: (message, fraction) => {
      waiting = [message, fraction];
      const waitMs = last + progressEveryMs - Date.now();
      if (waitMs <= 0) flush();
      else timer ??= setTimeout(flush, waitMs);
    },
    flush,
  };
}
