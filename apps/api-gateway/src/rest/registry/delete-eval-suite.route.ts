import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteEvalSuite, type DeleteEvalSuiteReply } from '@signalbox/shared/contracts/registry/delete-eval-suite.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/eval-suites')
export class DeleteEvalSuiteRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteEvalSuite, { summary: 'Delete an eval suite with its evals; evidence stays' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<DeleteEvalSuiteReply> {
    return this.bus.request(deleteEvalSuite, { name }, caller);
  }
}
