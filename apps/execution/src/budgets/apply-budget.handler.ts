import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyBudget, type ApplyBudgetReply, type ApplyBudgetRequest } from '@signalbox/shared/contracts/execution/apply-budget.js';
import type { BudgetView } from '@signalbox/shared/contracts/execution/budget-view.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { measures, type Limits } from '@signalbox/workflow/core/budget.js';
import { requireVersion } from '../workflows/read-manifest.ts';
import { AboveBudgets } from './above-budgets.ts';
import { BudgetStore } from './budget.store.ts';

@Controller()
export class ApplyBudgetHandler {
  constructor(
    private readonly store: BudgetStore,
    private readonly above: AboveBudgets,
    private readonly audit: Audit,
  ) {}

  @Handles(applyBudget)
  async handle(@Payload() request: ApplyBudgetRequest, @FromCaller() caller: Caller): Promise<ApplyBudgetReply> {
    const { scope, limit, perCall = {}, period = 'total', expectedVersion } = request;
    if (measures.every((measure) => limit[measure] === undefined)) {
      throw new Fault('invalid', 'the budget limits nothing', 'Give at least one of tokens, costUsd and steps.', {
        errors: [{ pointer: '/limit', detail: 'must have tokens, costUsd or steps' }],
      });
    }
    let action: ApplyBudgetReply['action'] = 'unchanged';
    const decide = (current: BudgetView | null): boolean => {
      requireVersion(`budget ${scope}`, current?.version ?? 0, expectedVersion);
      if (current === null) action = 'created';
      else if (current.period !== period || !isSame(current.limit, limit) || !isSame(current.perCall, perCall)) action = 'updated';
      return action !== 'unchanged';
    };
    const resource = await this.store.apply(caller.workspace, request, decide, (tx) =>
      this.audit.append(tx, caller, {
        action: 'budget.apply',
        target: `budget ${scope}`,
        detail: { what: action, period, limit: { ...limit } },
      }),
    );
    this.above.forget(caller.workspace);
    return { action, resource };
  }
}

function isSame(one: Limits, other: Limits): boolean {
  return measures.every((measure) => one[measure] === other[measure]);
}
