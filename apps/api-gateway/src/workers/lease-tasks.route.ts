import { Body, Controller, Post } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { leaseTasks, type LeaseTasksReply } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { instanceNamePattern } from '@signalbox/shared/contracts/registry/instance.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../platform/operation.ts';
import { Instances } from './instances.ts';

class LeaseTasksBody {
  @Matches(namePattern) agent!: string;
  /** The worker's own name for itself, the same for as long as it lives. */
  @Matches(instanceNamePattern) instance!: string;
  /** How many tasks it can take now. */
  @IsInt() @Min(1) @Max(256) credit!: number;
  /** How many it can take in all; `credit` if absent. */
  @IsOptional() @IsInt() @Min(1) @Max(256) capacity?: number;
  /** How long to wait for the first task, 25 s if absent. */
  @IsOptional() @IsInt() @Min(0) @Max(50_000) waitMs?: number;
  @IsOptional() @IsArray() @ArrayMaxSize(200) @IsString({ each: true }) @MaxLength(128, { each: true }) skills?: string[];
  /** The version of the agent that it runs; absent: it is taken to run the current one. */
  @IsOptional() @IsInt() @Min(1) version?: number;
}

const waitDefaultMs = 25_000;

@Controller('api/v1/workers')
export class LeaseTasksRoute {
  constructor(
    private readonly bus: Bus,
    private readonly instances: Instances,
  ) {}

  @Post('lease')
  @Operation(leaseTasks, {
    summary: 'Ask for tasks, as a worker',
    description: 'Long poll, for workers that cannot keep a WebSocket. Accept each task, beat while it is worked on, complete it.',
    body: LeaseTasksBody,
    status: 200,
  })
  async handle(
    @Body() { capacity, waitMs = waitDefaultMs, ...wish }: LeaseTasksBody,
    @FromCaller() caller: Caller,
  ): Promise<LeaseTasksReply> {
    const { agent, instance, credit } = wish;
    const all = capacity ?? credit;
    this.instances.beat(caller, { agent, instance, capacity: all, inFlight: Math.max(0, all - credit), isDraining: false });
    for (const end = performance.now() + waitMs; ;) {
      const leftMs = Math.max(0, Math.round(end - performance.now()));
      let isReplaced = false;
      const unhear = this.bus.owners.hear(() => (isReplaced = true));
      try {
        return await this.bus.request(leaseTasks, { ...wish, waitMs: leftMs }, caller, { timeoutMs: leftMs + 5_000 });
      } catch (thrown) {
        // Who was asked died with the question, and another is there.
        if (!isReplaced || Fault.from(thrown).code !== 'unavailable' || performance.now() > end) throw thrown;
      } finally {
        unhear();
      }
    }
  }
}
