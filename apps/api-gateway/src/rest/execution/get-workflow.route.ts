import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getWorkflow, type GetWorkflowReply } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workflows')
export class GetWorkflowRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getWorkflow, { summary: 'One workflow with its manifest' })
  async handle(
    @Param('name') name: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GetWorkflowReply> {
    const workflow = await this.bus.request(getWorkflow, { name }, caller);
    reply.header('etag', etagOf(workflow.version));
    return workflow;
  }
}
