import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listKeys, ListKeysRequest, type ListKeysReply } from '@signalbox/shared/contracts/security/list-keys.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/keys')
export class ListKeysRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listKeys, { summary: 'List API keys, the newest first', query: ListKeysRequest })
  handle(@Query() query: ListKeysRequest, @FromCaller() caller: Caller): Promise<ListKeysReply> {
    return this.bus.request(listKeys, query, caller);
  }
}
