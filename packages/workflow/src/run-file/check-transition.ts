import { Ajv } from 'ajv';
import { failureCodes } from '@signalbox/shared/contracts/execution/failure.js';
import { logLinesMax } from '../core/attempt-log.ts';
import type { Transition } from '../core/events.ts';
import { bounds } from '../core/graph.ts';

const text = { type: 'string', maxLength: 8_192 };
const whole = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const status = { enum: ['succeeded', 'failed', 'cancelled'] };
const error = {
  type: 'object',
  required: ['code', 'detail'],
  properties: { code: { enum: failureCodes }, detail: text, next: text, retryAfterMs: whole, isFinal: { const: true } },
};
const usage = {
  type: 'object',
  required: ['inputTokens', 'outputTokens', 'costUsd'],
  properties: { inputTokens: whole, outputTokens: whole, costUsd: { type: 'number', minimum: 0 } },
};

/** What of a transition is more than a value of the run's own: of a later release it may have more fields. */
const schema = {
  type: 'object',
  required: ['t', 'at'],
  properties: {
    t: { type: 'string', maxLength: 32 },
    // What a date can be.
    at: { type: 'number', minimum: 0, maximum: 8.64e15 },
    due: { type: 'number', minimum: 0, maximum: 8.64e15 },
    s: { ...whole, maximum: 3 * bounds.steps },
    i: { type: 'integer', minimum: -1, maximum: bounds.units },
    n: { ...whole, maximum: 1e9 },
    epoch: whole,
    depth: { ...whole, maximum: bounds.depth + 1 },
    timeoutMs: { type: 'number', minimum: 0 },
    count: { ...whole, maximum: bounds.items },
    level: whole,
    lines: {
      type: 'array',
      maxItems: logLinesMax,
      items: {
        type: 'object',
        required: ['at', 'message'],
        properties: { at: { type: 'number', minimum: 0, maximum: 8.64e15 }, message: text, fraction: { type: 'number' } },
      },
    },
    dropped: whole,
    units: { type: 'array', maxItems: bounds.units, items: { type: 'object', required: ['k'] } },
    run: { type: 'string', pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
    parent: { type: 'object' },
    insteadOf: { type: 'object', required: ['workflow', 'because'], properties: { workflow: text, because: text } },
    ask: { type: 'object' },
    id: text,
    hash: text,
    name: text,
    agent: text,
    instance: text,
    version: { ...whole, minimum: 1 },
    signal: text,
    cancel: text,
    comment: { type: ['string', 'null'] },
    approved: { type: 'boolean' },
    status,
    reason: { type: ['string', 'null'], maxLength: 8_192 },
    error,
    usage,
    recorded: {
      type: 'object',
      required: ['run', 'agent', 'version', 'answers'],
      properties: {
        run: { type: 'object', required: ['id', 'startedAt'], properties: { id: text, startedAt: text } },
        agent: text,
        version: { ...whole, minimum: 1 },
        answers: {
          type: 'array',
          maxItems: bounds.units,
          items: { type: 'object', required: ['key', 'input'], properties: { key: text, agent: text, error } },
        },
      },
    },
  },
  allOf: [
    { if: { properties: { t: { const: 'fanned' } } }, then: { required: ['s', 'count'] } },
    { if: { properties: { t: { const: 'logged' } } }, then: { required: ['s', 'i', 'n', 'lines'] } },
    { if: { properties: { t: { const: 'grew' } } }, then: { required: ['s', 'units'] } },
    { if: { properties: { t: { enum: ['failed', 'degraded', 'crashed', 'retrying'] } } }, then: { required: ['s', 'i', 'n', 'error'] } },
    {
      if: { properties: { t: { enum: ['queued', 'began', 'child', 'waits', 'asks', 'succeeded'] } } },
      then: { required: ['s', 'i', 'n'] },
    },
    {
      if: { properties: { t: { const: 'upgraded' } } },
      then: { required: ['from', 'to', 'by', 'timeoutMs'], properties: { from: text, to: text, by: text } },
    },
    { if: { properties: { t: { const: 'started' } } }, then: { required: ['input', 'depth', 'timeoutMs'] } },
    { if: { properties: { t: { enum: ['ended', 'ending'] } } }, then: { required: ['status', 'reason'] } },
  ],
};

const validate = new Ajv({ strict: false }).compile<Transition>(schema);

/** What is wrong with what should be a transition; undefined: nothing. */
export function faultOfTransition(value: unknown): string | undefined {
  if (validate(value)) return undefined;
  const [first] = validate.errors ?? [];
  return first === undefined ? 'is no transition' : `${first.instancePath || 'it'} ${first.message ?? 'is wrong'}`;
}
