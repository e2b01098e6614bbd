import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Handover } from '@signalbox/shared/contracts/execution/handover.js';
import type { Skill } from '@signalbox/shared/contracts/registry/agent.js';
import { Fault, type FaultCode } from '@signalbox/shared/errors/fault.js';
import { Outbound } from '@signalbox/shared/outbound/outbound.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { currentCall } from '@signalbox/shared/telemetry/call-context.js';
import { ProtocolConfig } from '../protocol.config.ts';
import { retryAfterMsOf } from '../retry-after.ts';
import type { TaskCall } from '../tasks/task.ts';
import type { HttpSpec } from './agent-spec.ts';

const detailMax = 1_000;
const headerMax = 6_000;

/** Calls agents that answer HTTP: the input is POSTed as JSON, the answer is the output. */
@Injectable()
export class HttpAgent implements BeforeApplicationShutdown {
  private readonly outbound: Outbound;

  constructor(
    { outboundAllowInternal, outputMaxBytes }: ProtocolConfig,
    private readonly secrets: SecretReader,
  ) {
    // The task's deadline ends the call; a target that is silent meanwhile may be thinking.
    this.outbound = new Outbound({ allowInternal: outboundAllowInternal, maxBytes: outputMaxBytes, timeoutMs: Infinity, idleMs: Infinity });
  }

  async call(
    { id, ref, request, signal, caller }: TaskCall,
    agent: string,
    { url, headers = {} }: HttpSpec,
    skill: Skill | undefined,
  ): Promise<unknown> {
    const response = await this.outbound.fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        ...(await this.secrets.fillHeaders(caller, headers)),
        'content-type': 'application/json',
        'idempotency-key': request.idempotencyKey,
        'signalbox-agent': agent,
        'signalbox-run': ref.run,
        'signalbox-task': id,
        'signalbox-deadline': new Date(request.deadline).toISOString(),
        ...(request.handover && { 'signalbox-handover': handoverHeader(request.handover) }),
        // The second for what the agent calls by W3C Baggage of its own accord.
        ...(request.isMirror === true && { 'signalbox-mirror': 'true', baggage: 'signalbox-mirror=true' }),
        ...(skill && { 'signalbox-skill': encodeURIComponent(skill.name) }),
        traceparent: currentCall()?.traceparent ?? '',
      },
      body: JSON.stringify(request.input ?? {}),
      signal,
    });
    const text = await response.text();
    if (!response.ok) throw faultOfStatus(agent, response, text);
    return outputOf(agent, response, text);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.outbound.close();
  }
}

/** Base64url of the JSON, without partial results where servers would refuse a header of that size. */
function handoverHeader({ attempts }: Handover): string {
  const whole = Buffer.from(JSON.stringify({ attempts })).toString('base64url');
  if (whole.length <= headerMax) return whole;
  const short = attempts.slice(-1).map(({ partial: _, messages, ...attempt }) => ({
    ...attempt,
    detail: attempt.detail.slice(0, detailMax),
    messages: messages.slice(-1).map(({ message, ...said }) => ({ ...said, message: message.slice(0, detailMax) })),
  }));
  return Buffer.from(JSON.stringify({ attempts: short })).toString('base64url');
}

function isJson(response: Response): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\b/i.test(response.headers.get('content-type') ?? '');
}

function outputOf(agent: string, response: Response, text: string): unknown {
  if (text === '') return null;
  if (!isJson(response)) return { text };
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Fault('unavailable', `the agent ${agent} answered with what is no JSON, though it says so`, 'Look at the agent.', { cause });
  }
}

const codes: Record<number, FaultCode> = {
  401: 'forbidden',
  403: 'forbidden',
  404: 'not_found',
  408: 'timeout',
  409: 'conflict',
  410: 'not_found',
  429: 'limited',
  504: 'timeout',
};

function faultOfStatus(agent: string, response: Response, text: string): Fault {
  const { status } = response;
  const code = codes[status] ?? (status >= 500 ? 'unavailable' : 'invalid');
  const said = saidBy(response, text);
  const retryAfterMs = retryAfterMsOf(response.headers);
  return new Fault(
    code,
    `the agent ${agent} answered ${status}${said ? `: ${withoutSecrets(said)}` : ''}`.slice(0, detailMax),
    'Look at the agent, or at what it was sent.',
    {
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

/** What an agent says of its failure: a problem document, `{ error }`, or plain text. */
function saidBy(response: Response, text: string): string {
  if (!isJson(response)) return /^text\/plain\b/i.test(response.headers.get('content-type') ?? '') ? text.trim() : '';
  try {
    const { detail, error, message } = JSON.parse(text) as { detail?: unknown; error?: unknown; message?: unknown };
    const candidates = [detail, (error as { message?: unknown } | null | undefined)?.message, error, message];
    return candidates.find((candidate) => typeof candidate === 'string') ?? '';
  } catch {
    return '';
  }
}
