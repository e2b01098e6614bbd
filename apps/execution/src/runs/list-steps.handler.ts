import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { decodeCursor, encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listSteps, type ListStepsReply, type ListStepsRequest } from '@signalbox/shared/contracts/execution/list-steps.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { RunFinder } from './run-finder.ts';
import { placesOf, stepViews } from './run-view.ts';

@Controller()
export class ListStepsHandler {
  constructor(private readonly finder: RunFinder) {}

  @Handles(listSteps)
  async handle(@Payload() { run, cursor, limit, q }: ListStepsRequest, @FromCaller() { workspace }: Caller): Promise<ListStepsReply> {
    const [s, i] = cursor === undefined ? [0, -1] : decodeCursor(cursor, 2).map((field) => Math.trunc(Number(field)) || 0);
    return this.finder.view(workspace, run, ({ state, why }) => {
      const { places, next } = placesOf(state, { s: Math.max(0, s ?? 0), i: i ?? -1 }, limit ?? pageLimitDefault);
      const views = stepViews(state, places, why);
      const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
      const data = views.filter(({ key, label, agent, status }) =>
        words.every((word) => `${key} ${label} ${agent ?? ''} ${status}`.toLowerCase().includes(word)),
      );
      return { data, nextCursor: next === null ? null : encodeCursor([next.s, next.i]) };
    });
  }
}
