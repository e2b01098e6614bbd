import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getBudget, type GetBudgetReply, type GetBudgetRequest } from '@signalbox/shared/contracts/execution/get-budget.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { BudgetStore } from './budget.store.ts';

@Controller()
export class GetBudgetHandler {
  constructor(private readonly store: BudgetStore) {}

  @Handles(getBudget)
  handle(@Payload() { scope }: GetBudgetRequest, @FromCaller() { workspace }: Caller): Promise<GetBudgetReply> {
    return this.store.get(workspace, scope);
  }
}
