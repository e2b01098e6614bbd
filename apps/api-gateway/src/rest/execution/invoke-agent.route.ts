import { Body, Controller, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IsInt, IsObject, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { endedRunStatuses } from '@signalbox/shared/contracts/execution/run-view.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { EventStream, wantsEventStream } from '../../platform/event-stream.ts';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { OpenStreams } from '../../platform/open-streams.ts';
import { Operation } from '../../platform/operation.ts';
import { RunFollower } from './run-follower.ts';
import { WaitQuery } from './wait-query.ts';

class InvokeAgentBody {
  /** One of the agent's skills; may be left out where it has one. */
  @IsOptional() @IsString() @MaxLength(128) skill?: string;
  /** Which version of it; absent: the current one, or of workers whichever is there. */
  @IsOptional() @IsInt() @Min(1) version?: number;
  @IsOptional() @Opaque() input?: unknown;
  @IsOptional() @Opaque() @IsObject() labels?: Record<string, string>;
  /** Another agent, for when this one cannot. */
  @IsOptional() @Matches(namePattern) fallback?: string;
  /** How long one attempt may take. */
  @IsOptional() @IsInt() @Min(1) @Max(86_400_000) timeoutMs?: number;
  /** How urgent it is, from 1 (goes first) to 5; 3 if absent. */
  @IsOptional() @IsInt() @Min(1) @Max(5) priority?: number;
}

@Controller('api/v1/agents')
export class InvokeAgentRoute {
  constructor(
    private readonly bus: Bus,
    private readonly follower: RunFollower,
    private readonly streams: OpenStreams,
  ) {}

  @Post(':name/invoke')
  @Operation(invokeAgent, {
    summary: 'Call an agent',
    description:
      'A call is a run of one step. Answers at once (202), or after `waitMs` with the run as it stands (200 when it has ended). With `Accept: text/event-stream` its events follow, the last one `result` with the run.',
    body: InvokeAgentBody,
    query: WaitQuery,
    status: 202,
  })
  async handle(
    @Param('name') agent: string,
    @Body() body: InvokeAgentBody,
    @Query() { waitMs = 0 }: WaitQuery,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const isStreamed = wantsEventStream(request);
    if (isStreamed) this.streams.admit(caller);
    const run = await this.bus.request(
      invokeAgent,
      { agent, ...body, waitMs: isStreamed ? 0 : waitMs, ...(idempotencyKey !== undefined && { idempotencyKey }) },
      caller,
      { timeoutMs: waitMs + 15_000 },
    );
    if (!isStreamed) {
      const status = endedRunStatuses.includes(run.status) ? 200 : 202;
      await reply.status(status).header('location', `/api/v1/runs/${run.id}`).send(run);
      return;
    }
    const followed = await this.follower.open(run.id, -1, caller);
    const stream = new EventStream(request, reply);
    this.streams.add(caller, stream);
    this.follower.stream(followed, -1, caller, stream, async () => {
      stream.send({ event: 'result', data: await this.bus.request(getRun, { run: run.id }, caller) });
    });
  }
}
