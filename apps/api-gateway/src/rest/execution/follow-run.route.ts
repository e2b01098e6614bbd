import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { listRunEvents, ListRunEventsReply } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import { decodeCursor, encodeCursor, PageRequest } from '@signalbox/shared/bus/page.js';
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
      'With `Accept: text/event-stream` every event from the first (or after `Last-Event-ID`) until the run has ended, as they happen; else pages of what is recorded.',
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
    const after = lastEventId(request) ?? (cursor === undefined ? -1 : seqOf(cursor));
    if (!wantsEventStream(request)) {
      const page = await this.follower.page(run, after, limit, caller);
      const last = page.data.at(-1);
      await reply.send({ data: page.data, nextCursor: page.hasMore && last ? encodeCursor([last.seq]) : null } satisfies RunEventsPage);
      return;
    }
    this.streams.admit(caller);
    const first: ListRunEventsReply = await this.follower.open(run, after, caller);
    const stream = new EventStream(request, reply);
    this.streams.add(caller, stream);
    await this.follower.stream(run, after, first, caller, stream);
  }
}

function seqOf(cursor: string): number {
  const seq = Number(decodeCursor(cursor, 1)[0]);
  return Number.isSafeInteger(seq) && seq >= 0 ? seq : -1;
}
