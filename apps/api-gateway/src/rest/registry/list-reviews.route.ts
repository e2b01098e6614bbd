import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listReviews, type ListReviewsReply } from '@signalbox/shared/contracts/registry/list-reviews.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/reviews')
export class ListReviewsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listReviews, { summary: 'List agents whose current version nobody has signed off, with what changed', query: PageRequest })
  handle(@Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListReviewsReply> {
    return this.bus.request(listReviews, { ...query }, caller);
  }
}
