import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteBudget } from '@signalbox/shared/contracts/execution/delete-budget.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/budgets')
export class DeleteBudgetRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':scope')
  @Operation(deleteBudget, {
    summary: 'Take a budget away, with what was counted',
    description: 'Runs that counted for it go on without it.',
    status: 204,
  })
  async handle(@Param('scope') scope: string, @FromCaller() caller: Caller): Promise<void> {
    await this.bus.request(deleteBudget, { scope }, caller);
  }
}
