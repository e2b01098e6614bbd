import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listStateVersions, type ListStateVersionsReply } from '@signalbox/shared/contracts/context/list-state-versions.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/state')
export class ListStateVersionsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':scope/:key/versions')
  @Operation(listStateVersions, { summary: 'Who wrote a key and when', description: 'The current version and at most 32 before it.' })
  handle(@Param('scope') scope: string, @Param('key') key: string, @FromCaller() caller: Caller): Promise<ListStateVersionsReply> {
    return this.bus.request(listStateVersions, { scope, key }, caller);
  }
}
