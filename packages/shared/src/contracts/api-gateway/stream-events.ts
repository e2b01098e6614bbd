import { defineContract } from '../../bus/contract.ts';

export class StreamEventsRequest {}

export class StreamEventsReply {}

/** Opens the stream of a workspace's events; each event is left out for who may not read its kind. */
export const streamEvents = defineContract({
  subject: 'sb.api-gateway.events.stream',
  request: StreamEventsRequest,
  reply: StreamEventsReply,
  permission: 'events:read',
  callers: [],
  timeoutMs: 1_000,
  maxBytes: 64,
  idempotent: true,
});
