import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { encodeCursor } from '@signalbox/shared/bus/page.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getRun, type GetRunReply, type GetRunRequest } from '@signalbox/shared/contracts/execution/get-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { RunFinder } from './run-finder.ts';
import { placesOf, runView, stepViews } from './run-view.ts';

/** Steps and items in one answer. */
const stepsMax = 500;

@Controller()
export class GetRunHandler {
  constructor(private readonly finder: RunFinder) {}

  @Handles(getRun)
  async handle(@Payload() { run }: GetRunRequest, @FromCaller() { workspace }: Caller): Promise<GetRunReply> {
    return this.finder.view(workspace, run, ({ state, facts, why }) => {
      const { places, next } = placesOf(state, { s: 0, i: -1 }, stepsMax);
      const nextSteps = next === null ? null : encodeCursor([next.s, next.i]);
      return { ...runView(state, facts), steps: stepViews(state, places, why), nextSteps };
    });
  }
}
