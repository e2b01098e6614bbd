import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { acceptWork, AcceptWorkRequest, type AcceptWorkReply } from '@signalbox/shared/contracts/execution/accept-work.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../platform/operation.ts';

@Controller('api/v1/workers')
export class AcceptWorkRoute {
  constructor(private readonly bus: Bus) {}

  @Post('accept')
  @Operation(acceptWork, {
    summary: 'Ask whether to begin a leased task',
    description: 'Begin only after this answer. `conflict`: drop the task.',
    body: AcceptWorkRequest,
    status: 200,
  })
  handle(@Body() body: AcceptWorkRequest, @FromCaller() caller: Caller): Promise<AcceptWorkReply> {
    return this.bus.request(acceptWork, body, caller, { shard: shardOfTask(body.task) });
  }
}
