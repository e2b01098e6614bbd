import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { endedRunStatuses, type RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { RunFollower } from '../rest/execution/run-follower.ts';
import { inputOf, type ChatRequest } from './chat-request.ts';
import { parseModelId, unknownModel } from './model-id.ts';

/** Agents that take a conversation as it is; for others its last message is the input. */
const conversational = new Set(['llm', 'http']);

/** A chat completion is a run: of an agent, or of a workflow. */
@Injectable()
export class ChatRuns {
  constructor(
    private readonly bus: Bus,
    private readonly follower: RunFollower,
  ) {}

  /** Starts the run; what is wrong with the request, or with the model's name, shows here. */
  async start(chat: ChatRequest, idempotencyKey: string | undefined, caller: Caller): Promise<RunView> {
    const target = parseModelId(chat.model);
    const key = idempotencyKey === undefined ? {} : { idempotencyKey };
    try {
      if (target.kind === 'workflow')
        return await this.bus.request(startRun, { workflow: target.name, input: inputOf(chat), ...key }, caller);
      const { kind } = await this.bus.request(getAgent, { name: target.name }, caller);
      const input = conversational.has(kind) ? { messages: chat.messages, parameters: chat.parameters } : inputOf(chat);
      const skill = target.skill === undefined ? {} : { skill: target.skill };
      return await this.bus.request(invokeAgent, { agent: target.name, ...skill, input, ...key, waitMs: 0 }, caller);
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'not_found') throw unknownModel(chat.model);
      throw thrown;
    }
  }

  /** The run as it ended. `signal`: nobody waits any more, so the run is cancelled. */
  async ended(run: RunView, caller: Caller, signal: AbortSignal): Promise<RunView> {
    if (endedRunStatuses.includes(run.status)) return run;
    try {
      await this.untilEnd(run.id, caller, signal);
    } catch (thrown) {
      if (signal.aborted) this.cancel(run.id, caller);
      throw thrown;
    }
    return this.bus.request(getRun, { run: run.id }, caller);
  }

  private async untilEnd(run: string, caller: Caller, signal: AbortSignal): Promise<void> {
    const followed = await this.follower.open(run, -1, caller);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const stop = followed.add(-1, caller, { tell: () => undefined, end: resolve, isReady: () => true, onReady: () => undefined });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      stop();
    }
  }

  private cancel(run: string, caller: Caller): void {
    this.bus.request(cancelRun, { run }, caller).catch((err: unknown) => log.info('a run that nobody waits for goes on', { run, err }));
  }
}

/** The answer in a run's output: text as it is, `{ text }`, all else as JSON. Throws the run's failure as a fault. */
export function answerOf({ id, status, output, error }: RunView): string {
  if (status !== 'succeeded') {
    const { code, detail, next, retryAfterMs } = error ?? { code: 'cancelled' as const, detail: 'the run was cancelled' };
    // What a person rejected is not to be had by asking again.
    throw new Fault(code === 'rejected' ? 'forbidden' : code, `${detail} (run ${id})`, next ?? `Look at the run ${id}.`, {
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    });
  }
  if (typeof output === 'string') return output;
  const { text } = (output ?? {}) as { text?: unknown };
  return typeof text === 'string' ? text : JSON.stringify(output ?? null);
}
