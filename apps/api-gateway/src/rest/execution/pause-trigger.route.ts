import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { pauseTrigger, type PauseTriggerReply } from '@signalbox/shared/contracts/execution/pause-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class PauseTriggerBody {
  /** Why, for those who find it paused. */
  @IsOptional() @IsString() @MaxLength(500) reason?: string;
}

@Controller('api/v1/triggers')
export class PauseTriggerRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/pause')
  @Operation(pauseTrigger, {
    summary: 'Pause a trigger',
    description: 'It starts nothing until it is resumed. Hooks are refused, ends of runs passed over.',
    body: PauseTriggerBody,
    status: 200,
  })
  handle(@Param('name') name: string, @Body() { reason }: PauseTriggerBody, @FromCaller() caller: Caller): Promise<PauseTriggerReply> {
    return this.bus.request(pauseTrigger, { name, ...(reason !== undefined && { reason }) }, caller);
  }
}
