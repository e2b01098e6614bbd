import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listBudgets, type ListBudgetsReply, type ListBudgetsRequest } from '@signalbox/shared/contracts/execution/list-budgets.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { BudgetStore } from './budget.store.ts';

@Controller()
export class ListBudgetsHandler {
  constructor(private readonly store: BudgetStore) {}

  @Handles(listBudgets)
  handle(@Payload() filter: ListBudgetsRequest, @FromCaller() { workspace }: Caller): Promise<ListBudgetsReply> {
    return this.store.list(workspace, filter);
  }
}
