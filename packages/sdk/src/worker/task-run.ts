import { ApiError, ConnectionError } from '../client/api-error.ts';
import type { SignalboxClient } from '../client/client.ts';
import type { RunError } from '../client/schema.ts';
import type { TaskOffer } from './protocol.ts';
import type { Check } from './schema-check.ts';
import { TaskError } from './skill.ts';
import type { TaskContext, WorkerSkill } from './skill.ts';

/** What a task says of itself while it runs. */
export interface Progress {
  message: string;
  fraction?: number;
  partial?: unknown;
}

/** What a task ended with. */
export type Outcome = { output: unknown } | { error: RunError };

/** A skill with its compiled checks. */
export interface ReadySkill {
  name: string;
  skill: WorkerSkill;
  checkInput: Check;
  checkOutput: Check;
}

/** A message on the bus holds 512 KiB, the envelope included; larger results belong into an artifact. */
const outputMaxBytes = 500_000;
/** What the gateway takes of sentences. */
const detailMaxChars = 8_000;
const nextMaxChars = 2_000;
const messageMaxChars = 2_000;
const partialMaxBytes = 16_384;
const codes: ReadonlySet<string> = new Set([
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'limited',
  'unavailable',
  'timeout',
  'cancelled',
  'internal',
]);
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
  report: (said: Progress) => void,
): Promise<Outcome> {
  const skill = offer.skill ?? ready?.name ?? 'by default';
  if (!ready) {
    return failure('invalid', `this worker has no skill ${skill}`, 'Compare the skill with those of the agent (signalbox agents NAME).');
  }
  const inputFault = ready.checkInput(offer.input);
  if (inputFault !== null) return failure('invalid', `the input of ${skill} does not fit: ${inputFault}`, 'Correct the step’s with.');
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
    traceparent: offer.traceparent,
    client: offer.isMirror === true ? client.asMirror() : client,
    handover: offer.handover,
    isMirror: offer.isMirror === true,
    progress: progress.report,
  };
  try {
    const output: unknown = await ready.skill.run(offer.input, ctx);
    return checked(output ?? null, ready, skill);
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
  if (Buffer.byteLength(text) > outputMaxBytes) {
    return failure(
      'limited',
      `the output of ${skill} is larger than 500 kB`,
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
    return errorWith(codes.has(cause.code) ? cause.code : 'internal', cause.message, cause.next);
  }
  if (cause instanceof ConnectionError) return errorWith(cause.code === 'timeout' ? 'timeout' : 'unavailable', cause.message);
  return errorWith('internal', cause instanceof Error ? cause.message : String(cause));
}

function failure(code: string, detail: string, next: string): Outcome {
  return { error: errorWith(code, detail, next) };
}

function errorWith(code: string, detail: string, next?: string): RunError {
  return { code, detail: detail.slice(0, detailMaxChars), ...(next !== undefined && { next: next.slice(0, nextMaxChars) }) };
}

/** Lets the first message through at once and of those that follow too fast only the newest. */
function throttled(send: (said: Progress) => void): {
  report: TaskContext['progress'];
  flush: () => void;
} {
  let last = 0;
  let waiting: Progress | null = null;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (!waiting) return;
    const said = waiting;
    waiting = null;
    last = Date.now();
    send(said);
  };
  return {
    report: (message, fraction, partial = waiting?.partial) => {
      if (partial !== undefined && Buffer.byteLength(JSON.stringify(partial)) > partialMaxBytes)
        throw new TaskError('limited', 'a partial result is larger than 16 KiB', 'Keep it as an artifact and tell its reference.');
      waiting = {
        message: message.slice(0, messageMaxChars),
        ...(fraction !== undefined && { fraction }),
        ...(partial !== undefined && { partial }),
      };
      const waitMs = last + progressEveryMs - Date.now();
      if (waitMs <= 0) flush();
      else timer ??= setTimeout(flush, waitMs);
    },
    flush,
  };
}
