import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { beatWork, BeatWorkRequest, type BeatWorkReply } from '@signalbox/shared/contracts/execution/beat-work.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../platform/operation.ts';

@Controller('api/v1/workers')
export class BeatWorkRoute {
  constructor(private readonly bus: Bus) {}

  @Post('beat')
  @Operation(beatWork, {
    summary: 'Say that tasks are still worked on',
    description: 'Every 2 s; a task that is not heard of for 6 s is lost. The answer names those to stop.',
    body: BeatWorkRequest,
    status: 200,
  })
  async handle(@Body() { tasks, ...body }: BeatWorkRequest, @FromCaller() caller: Caller): Promise<BeatWorkReply> {
    const first = tasks[0];
    const answers = [...Map.groupBy(tasks, shardOfTask)].map(([shard, own]) =>
      // What it is at, is of the first task: only that one's owner hears it.
      this.bus.request(
        beatWork,
        own.includes(first as string) ? { ...body, tasks: own } : { instance: body.instance, tasks: own },
        caller,
        { shard },
      ),
    );
    return { cancelled: (await Promise.all(answers)).flatMap(({ cancelled }) => cancelled) };
  }
}
