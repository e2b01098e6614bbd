import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getStep, type GetStepReply, type GetStepRequest } from '@signalbox/shared/contracts/execution/get-step.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { RunState } from '../core/state.ts';
import { RunFinder } from './run-finder.ts';
import { wholeStepView, type UnitPlace } from './run-view.ts';

@Controller()
export class GetStepHandler {
  constructor(private readonly finder: RunFinder) {}

  @Handles(getStep)
  async handle(@Payload() { run, key }: GetStepRequest, @FromCaller() { workspace }: Caller): Promise<GetStepReply> {
    return this.finder.view(workspace, run, ({ state, why }) => {
      const place = placeOf(state, key);
      if (!place) throw new Fault('not_found', `the run has no step ${key}`, 'Look at the steps of the run.');
      return wholeStepView(state, place, why);
    });
  }
}

function placeOf(state: RunState, key: string): UnitPlace | undefined {
  const [, name, index] = /^([A-Za-z][\w-]*)(?:\[(\d{1,6})\])?$/.exec(key) ?? [];
  const s = state.graph.steps.findIndex((step) => step.key === name);
  const step = state.steps[s];
  if (step === undefined) return undefined;
  const i = index === undefined ? -1 : Number(index);
  // A step whose items are not known yet, or that has none, stands for itself.
  if (i < 0) return { s, i };
  return step.isFanned && i < step.units.length ? { s, i } : undefined;
}
