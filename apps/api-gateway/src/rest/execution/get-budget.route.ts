import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getBudget, type GetBudgetReply } from '@signalbox/shared/contracts/execution/get-budget.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/budgets')
export class GetBudgetRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':scope')
  @Operation(getBudget, { summary: 'One budget, with what is spent of it and set aside' })
  async handle(
    @Param('scope') scope: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GetBudgetReply> {
    const budget = await this.bus.request(getBudget, { scope }, caller);
    reply.header('etag', etagOf(budget.version));
    return budget;
  }
}
