import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import { decodePosition, encodeCursor, PageRequest } from '@signalbox/shared/bus/page.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { EventStream, lastEventId, wantsEventStream } from '../../platform/event-stream.ts';
import { OpenStreams } from '../../platform/open-streams.ts';
import { Operation } from '../../platform/operation.ts';
import { RunFollower } from './run-follower.ts';
import { requireRunId } from './run-id.ts';

class RunEventsPage {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RunEventView) data!: RunEventView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

@Controller('api/v1/runs')
export class FollowRunRoute {
  constructor(
    private readonly follower: RunFollower,
    private readonly streams: OpenStreams,
  ) {}

  @Get(':id/events')
  @Operation(listRunEvents, {
    summary: 'What happened to a run, and what happens',
    description:
      'With `Accept: text/event-stream` every event from the first (or after `Last-Event-ID`) until the run has ended, as they happen, and 204 where none will follow; else pages of what is recorded.',
    query: PageRequest,
    reply: RunEventsPage,
  })
  async handle(
    @Param('id') id: string,
    @Query() { cursor, limit }: PageRequest,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const run = requireRunId(id);
    const after = lastEventId(request) ?? (cursor === undefined ? -1 : decodePosition(cursor));
    if (!wantsEventStream(request)) {
      const { data, hasMore, through = data.at(-1)?.seq } = await this.follower.page(run, after, limit, caller);
      const nextCursor = hasMore && through !== undefined ? encodeCursor([through]) : null;
      await reply.send({ data, nextCursor } satisfies RunEventsPage);
      return;
    }
    this.streams.admit(caller);
    const followed = await this.follower.open(run, after, caller);
    if (followed.isOver(after)) {
      await reply.status(204).send(); // browsers come back to a stream that just ends
      return;
    }
    const stream = new EventStream(request, reply);
    this.streams.add(caller, stream);
    this.follower.stream(followed, after, caller, stream);
  }
}
