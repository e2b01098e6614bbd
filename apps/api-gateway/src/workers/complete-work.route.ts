import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { completeWork, EndedWork, type CompleteWorkReply } from '@signalbox/shared/contracts/execution/complete-work.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../platform/operation.ts';

@Controller('api/v1/workers')
export class CompleteWorkRoute {
  constructor(private readonly bus: Bus) {}

  @Post('complete')
  @Operation(completeWork, {
    summary: 'End a task',
    description: 'Answered when the result is kept. Without an answer send it again; `conflict` and `not_found`: drop it.',
    body: EndedWork,
    status: 200,
  })
  handle(@Body() body: EndedWork, @FromCaller() caller: Caller): Promise<CompleteWorkReply> {
    return this.bus.request(completeWork, body, caller, { shard: shardOfTask(body.task) });
  }
}
