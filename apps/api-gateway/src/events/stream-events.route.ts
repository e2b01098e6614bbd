import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { streamEvents } from '@signalbox/shared/contracts/api-gateway/stream-events.js';
import { FromCaller, may, type Caller } from '@signalbox/shared/identity/caller.js';
import { EventStream, lastEventId } from '../platform/event-stream.ts';
import { OpenStreams } from '../platform/open-streams.ts';
import { Operation } from '../platform/operation.ts';
import { EventHub, type HubEvent } from './event-hub.ts';

@Controller('api/v1/events')
export class StreamEventsRoute {
  constructor(
    private readonly hub: EventHub,
    private readonly streams: OpenStreams,
  ) {}

  /** After a gap that cannot be filled, the first event is `reset`: read everything anew. */
  @Get()
  @Operation(streamEvents, {
    summary: 'What changes, as it changes',
    description:
      'Server-sent events; resumes by `Last-Event-ID`. A first event `reset` says that some were missed: read anew. Beside what an event tells, `about` names its thing, `revision` counts the changes of that: drop what is older than what you saw.',
    produces: 'text/event-stream',
  })
  handle(@FromCaller() caller: Caller, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const last = lastEventId(request);
    this.streams.admit(caller);
    const stream = new EventStream(request, reply);
    this.streams.add(caller, stream);
    const show = (event: HubEvent): void => {
      if (event.workspace !== null && event.workspace !== caller.workspace) return;
      if (!may(caller, `${event.resource}:read`)) return;
      stream.send({ ...(event.sequence !== undefined && { id: String(event.sequence) }), event: event.event, data: event.data });
    };
    if (last !== undefined) {
      const missed = this.hub.since(last);
      if (missed) missed.forEach(show);
      else stream.send({ event: 'reset', data: {} });
    }
    stream.onClose(this.hub.listen(show));
  }
}
