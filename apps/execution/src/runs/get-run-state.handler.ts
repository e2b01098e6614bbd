import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { decodeCursor, encodeCursor } from '@signalbox/shared/bus/page.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getRunState, type GetRunStateReply, type GetRunStateRequest } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { unknownRun } from './run-finder.ts';
import { RunStore } from './run.store.ts';
import { placesOf, runView, stepViews } from './run-view.ts';

/** Steps and items in one answer. */
const stepsMax = 500;

@Controller()
export class GetRunStateHandler {
  constructor(private readonly store: RunStore) {}

  @Handles(getRunState)
  async handle(@Payload() { run, seq, cursor }: GetRunStateRequest, @FromCaller() { workspace }: Caller): Promise<GetRunStateReply> {
    const [s = 0, i = -1] = cursor === undefined ? [] : decodeCursor(cursor, 2).map((field) => Math.trunc(Number(field)) || 0);
    const recorded = await this.store.recorded(workspace, toUuid(run, 'run'));
    if (!recorded) throw unknownRun(run);
    const { facts, transitions } = recorded;
    const shown = transitions.slice(0, seq + 1);
    const state = recorded.stateAfter(seq + 1);
    const { places, next } = placesOf(state, { s: Math.max(0, s), i }, stepsMax);
    return {
      ...runView(state, facts),
      seq: shown.length - 1,
      lastSeq: transitions.length - 1,
      at: new Date(shown.at(-1)?.at ?? facts.createdAt.getTime()).toISOString(),
      // Who held what at that time nobody has recorded: reasons of queues are of now.
      steps: stepViews(state, places, () => undefined),
      nextSteps: next === null ? null : encodeCursor([next.s, next.i]),
    };
  }
}
