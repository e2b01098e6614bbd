import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { resumeTrigger, type ResumeTriggerReply } from '@signalbox/shared/contracts/execution/resume-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/triggers')
export class ResumeTriggerRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/resume')
  @Operation(resumeTrigger, { summary: 'Let a paused trigger go on', status: 200 })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<ResumeTriggerReply> {
    return this.bus.request(resumeTrigger, { name }, caller);
  }
}
