import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { endedRunStatuses, type RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { callTool, type CallToolReply } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import type { ToolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { OfferedTool, Target } from './offered-tool.ts';
import { ProgressRelay } from './progress-relay.ts';

export interface OfferedCall {
  arguments: Record<string, unknown>;
  meta: Record<string, unknown> | undefined;
  signal: AbortSignal;
  /** Absent: the client does not want to know. */
  onProgress?: (progress: Omit<ToolProgressed, 'progressId'>) => void;
}

type Result = Pick<CallToolReply, 'content' | 'structuredContent' | 'isError' | 'meta'>;

/** A call through this door lasts no longer; a run that takes more time goes on, and its id is the answer. */
const runWaitMs = 300_000;
const lookEveryMs = 500;

/** Makes a client's call the call of a tool, or a run of an agent or workflow. */
@Injectable()
export class CallOfferedTool {
  constructor(
    private readonly bus: Bus,
    private readonly progress: ProgressRelay,
  ) {}

  /** Rejects with a Fault where there is no result at all. */
  call({ target }: OfferedTool, call: OfferedCall, caller: Caller): Promise<Result> {
    return target.kind === 'tool' ? this.callServerTool(target, call, caller) : this.callRun(target, call, caller);
  }

  private async callServerTool({ server, tool }: Target & { kind: 'tool' }, call: OfferedCall, caller: Caller): Promise<Result> {
    const listening = call.onProgress && this.progress.open(call.onProgress);
    const request = {
      server,
      tool,
      arguments: call.arguments,
      ...(call.meta && { meta: call.meta }),
      ...(listening && { progressId: listening.progressId }),
    };
    try {
      return await this.bus.request(callTool, request, caller, { signal: call.signal });
    } finally {
      listening?.close();
    }
  }

  private async callRun(target: Exclude<Target, { kind: 'tool' }>, call: OfferedCall, caller: Caller): Promise<Result> {
    const input: unknown = target.isWrapped ? call.arguments['input'] : call.arguments;
    const started =
      target.kind === 'agent'
        ? await this.bus.request(
            invokeAgent,
            { agent: target.agent, ...(target.skill !== undefined && { skill: target.skill }), input, waitMs: 0 },
            caller,
          )
        : await this.bus.request(startRun, { workflow: target.workflow, input }, caller);
    const run = await this.untilEnded(started, call, caller);
    return resultOf(run);
  }

  /** The run when it has ended, or as it stands when the time is up. Who waits no more has it cancelled. */
  private async untilEnded(started: RunView, call: OfferedCall, caller: Caller): Promise<RunView> {
    let run = started;
    let told = -1;
    for (const end = performance.now() + runWaitMs; !endedRunStatuses.includes(run.status) && performance.now() < end;) {
      await pause(lookEveryMs, call.signal);
      if (call.signal.aborted) {
        this.bus
          .request(cancelRun, { run: run.id }, caller)
          .catch((err: unknown) => log.debug('a run was not cancelled', { run: run.id, err }));
        throw Fault.from(call.signal.reason);
      }
      run = await this.bus.request(getRun, { run: run.id }, caller);
      const { done, total } = run.progress;
      if (done > told && total > 0) call.onProgress?.({ progress: (told = done), total, message: `${done} of ${total} steps` });
    }
    return run;
  }
}

function resultOf(run: RunView): Result {
  const meta = { 'signalbox.dev/run': run.id };
  switch (run.status) {
    case 'succeeded': {
      const { output } = run;
      const text = typeof output === 'string' ? output : JSON.stringify(output ?? null);
      const isObject = typeof output === 'object' && output !== null && !Array.isArray(output);
      return { content: [{ type: 'text', text }], ...(isObject && { structuredContent: output }), isError: false, meta };
    }
    case 'failed':
    case 'cancelled':
      return {
        content: [{ type: 'text', text: `The run ${run.id} ${run.status}: ${run.error?.detail ?? run.reason ?? 'no reason was given'}` }],
        isError: true,
        meta,
      };
    default:
      return {
        content: [{ type: 'text', text: `The run ${run.id} goes on; ask for it at /api/v1/runs/${run.id}.` }],
        isError: false,
        meta,
      };
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
