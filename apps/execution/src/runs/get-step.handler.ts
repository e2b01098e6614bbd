import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getStep, type GetStepReply, type GetStepRequest } from '@signalbox/shared/contracts/execution/get-step.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { RunFinder } from './run-finder.ts';
import { wholeStepView } from './run-view.ts';
import { placeOf, unknownStep } from './step-place.ts';

@Controller()
export class GetStepHandler {
  constructor(private readonly finder: RunFinder) {}

  @Handles(getStep)
  async handle(@Payload() { run, key }: GetStepRequest, @FromCaller() { workspace }: Caller): Promise<GetStepReply> {
    return this.finder.view(workspace, run, ({ state, why, logOf }) => {
      const place = placeOf(state, key);
      if (!place) throw unknownStep(key);
      return wholeStepView(state, place, why, logOf);
    });
  }
}
