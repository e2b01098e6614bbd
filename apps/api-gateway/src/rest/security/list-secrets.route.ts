import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listSecrets, ListSecretsRequest, type ListSecretsReply } from '@signalbox/shared/contracts/security/list-secrets.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/secrets')
export class ListSecretsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listSecrets, { summary: 'List secrets by name, without their values', query: ListSecretsRequest })
  handle(@Query() query: ListSecretsRequest, @FromCaller() caller: Caller): Promise<ListSecretsReply> {
    return this.bus.request(listSecrets, query, caller);
  }
}
