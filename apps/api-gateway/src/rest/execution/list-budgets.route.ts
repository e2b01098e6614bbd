import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listBudgets, ListBudgetsRequest, type ListBudgetsReply } from '@signalbox/shared/contracts/execution/list-budgets.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/budgets')
export class ListBudgetsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listBudgets, { summary: 'Budgets in the order of their scopes', query: ListBudgetsRequest })
  handle(@Query() query: ListBudgetsRequest, @FromCaller() caller: Caller): Promise<ListBudgetsReply> {
    return this.bus.request(listBudgets, { ...query }, caller);
  }
}
