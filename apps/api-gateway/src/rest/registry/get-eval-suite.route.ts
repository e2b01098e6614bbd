import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getEvalSuite, type GetEvalSuiteReply } from '@signalbox/shared/contracts/registry/get-eval-suite.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/eval-suites')
export class GetEvalSuiteRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getEvalSuite, { summary: 'One eval suite with its manifest' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<GetEvalSuiteReply> {
    return this.bus.request(getEvalSuite, { name }, caller);
  }
}
