import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { startEval, type StartEvalReply, StartEvalRequest } from '@signalbox/shared/contracts/registry/start-eval.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { EvalStart } from './eval-start.ts';

@Controller()
export class StartEvalHandler {
  constructor(private readonly evals: EvalStart) {}

  @Handles(startEval)
  handle(@Payload() request: StartEvalRequest, @FromCaller() caller: Caller): Promise<StartEvalReply> {
    return this.evals.start(request, caller);
  }
}
