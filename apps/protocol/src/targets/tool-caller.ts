import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { callTimeoutMaxMs, callTool, type CallToolReply } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import type { ToolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { currentCall } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { TaskCall } from '../tasks/task.ts';

const errorTextMax = 4_000;

interface ToolCallOptions {
  /** Who calls; the task's caller if absent. */
  caller?: Caller;
  /** Tells several calls of one task apart. */
  part?: string;
}

/** Calls tools of MCP servers, through `mcp-server`. */
@Injectable()
export class ToolCaller {
  private readonly listening = new Map<string, TaskCall>();

  constructor(private readonly bus: Bus) {}

  /** One call. What the tool reports as its own error is a result here. */
  async call(
    task: TaskCall,
    server: string,
    tool: string,
    input: unknown,
    { caller = task.caller, part }: ToolCallOptions = {},
  ): Promise<CallToolReply> {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) {
      throw new Fault('invalid', `the input of the tool ${server}/${tool} is not an object`, 'Give its arguments by name.', {
        errors: [{ pointer: '/input', detail: 'must be an object' }],
      });
    }
    const progressId = randomUUID();
    this.listening.set(progressId, task);
    try {
      return await this.bus.request(
        callTool,
        {
          server,
          tool,
          arguments: input as Record<string, unknown>,
          timeoutMs: Math.max(1, Math.min(callTimeoutMaxMs, Math.floor(task.request.deadline - now()))),
          progressId,
          meta: {
            'dev.signalbox/idempotency-key': part === undefined ? task.request.idempotencyKey : `${task.request.idempotencyKey}.${part}`,
            ...(task.request.handover && { 'dev.signalbox/handover': task.request.handover }),
            traceparent: currentCall()?.traceparent,
          },
        },
        caller,
      );
    } finally {
      this.listening.delete(progressId);
    }
  }

  /** One call whose result is a step's output: structured content, else `{ text }`, with `content` where not all is text. */
  async outputOf(task: TaskCall, server: string, tool: string, input: unknown): Promise<unknown> {
    const reply = await this.call(task, server, tool, input);
    if (reply.isError) {
      throw new Fault(
        'invalid',
        `the tool ${server}/${tool} failed: ${textOf(reply.content).slice(0, errorTextMax) || 'it does not say why'}`,
        'Correct its input, or look at its server.',
      );
    }
    return outputOfReply(reply);
  }

  /** What a tool says while it works goes to who follows the run. */
  progressed({ progressId, progress, total, message }: ToolProgressed): void {
    const task = this.listening.get(progressId);
    if (!task) return;
    task.progress(
      message ?? `${progress}${total === undefined ? '' : ` of ${total}`}`,
      total === undefined || total <= 0 ? undefined : progress / total,
    );
  }
}

export function outputOfReply({ content, structuredContent }: CallToolReply): unknown {
  if (structuredContent !== undefined) return structuredContent;
  const isAllText = content.every((block) => (block as { type?: unknown }).type === 'text');
  return { text: textOf(content), ...(!isAllText && { content }) };
}

/** The text blocks of a result, joined. */
export function textOf(content: readonly unknown[]): string {
  return content
    .map((block) => block as { type?: unknown; text?: unknown })
    .filter(({ type, text }) => type === 'text' && typeof text === 'string')
    .map(({ text }) => text as string)
    .join('\n');
}
