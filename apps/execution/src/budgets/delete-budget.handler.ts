import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteBudget, type DeleteBudgetReply, type DeleteBudgetRequest } from '@signalbox/shared/contracts/execution/delete-budget.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { AboveBudgets } from './above-budgets.ts';
import { BudgetStore } from './budget.store.ts';

@Controller()
export class DeleteBudgetHandler {
  constructor(
    private readonly store: BudgetStore,
    private readonly above: AboveBudgets,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteBudget)
  async handle(@Payload() { scope }: DeleteBudgetRequest, @FromCaller() caller: Caller): Promise<DeleteBudgetReply> {
    await this.store.delete(caller.workspace, scope, (tx) =>
      this.audit.append(tx, caller, { action: 'budget.delete', target: `budget ${scope}` }),
    );
    this.above.forget(caller.workspace);
    return {};
  }
}
