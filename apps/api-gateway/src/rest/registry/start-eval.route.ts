import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { startEval, type StartEvalReply, StartEvalRequest } from '@signalbox/shared/contracts/registry/start-eval.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/evals')
export class StartEvalRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(startEval, {
    summary: 'Put an eval suite to a version of an agent',
    description:
      'A run of its own makes the calls, with the rights of whoever asks; cancelling that run cancels the eval. What it finds out becomes evidence for the version.',
    body: StartEvalRequest,
    status: 202,
  })
  handle(@Body() body: StartEvalRequest, @FromCaller() caller: Caller): Promise<StartEvalReply> {
    return this.bus.request(startEval, { ...body }, caller);
  }
}
