import { Controller, Get, Query } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { limitKinds, type LimitKind } from '@signalbox/shared/contracts/execution/limit-view.js';
import { listLimits, type ListLimitsReply } from '@signalbox/shared/contracts/execution/list-limits.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

const asBoolean = ({ value }: { value: unknown }): unknown => (value === 'true' ? true : value === 'false' ? false : value);

class ListLimitsQuery extends PageRequest {
  /** Only of this kind: `limit` is what workflows name, the others are queues. */
  @IsOptional() @IsIn(limitKinds) kind?: LimitKind;
  /** Only those that something waits for. */
  @IsOptional() @Transform(asBoolean) @IsBoolean() waiting?: boolean;
}

@Controller('api/v1/limits')
export class ListLimitsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listLimits, {
    summary: 'Limits and queues as they stand now, by kind and name',
    description:
      'What the limits of workflows, agents, models, servers and artifacts have under way and waiting, who has their places, and when a rate lets the next begin. Only of this workspace, and only those that are in use.',
    query: ListLimitsQuery,
  })
  handle(@Query() query: ListLimitsQuery, @FromCaller() caller: Caller): Promise<ListLimitsReply> {
    return this.bus.request(listLimits, query, caller);
  }
}
