import { Controller, Get, Query } from '@nestjs/common';
import { IsBoolean, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listGates, type ListGatesReply } from '@signalbox/shared/contracts/registry/list-gates.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { Flag } from '../../platform/flag.ts';

class ListGatesQuery extends PageRequest {
  /** Only built-in gates, or only others; absent: all that count. */
  @IsOptional() @Flag() @IsBoolean() builtIn?: boolean;
}

@Controller('api/v1/gates')
export class ListGatesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listGates, { summary: 'List gates by name, those built in with them', query: ListGatesQuery })
  handle(@Query() query: ListGatesQuery, @FromCaller() caller: Caller): Promise<ListGatesReply> {
    return this.bus.request(listGates, { ...query }, caller);
  }
}
