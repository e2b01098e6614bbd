import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getEval, type GetEvalReply } from '@signalbox/shared/contracts/registry/get-eval.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/evals')
export class GetEvalRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getEval, { summary: 'One eval and what it found out' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetEvalReply> {
    return this.bus.request(getEval, { id }, caller);
  }
}
