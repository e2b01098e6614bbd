import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listRunEvents,
  type ListRunEventsReply,
  type ListRunEventsRequest,
} from '@signalbox/shared/contracts/execution/list-run-events.js';
import type { RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { sizeOf, type Json } from '@signalbox/workflow/core/json.js';
import { eventOf } from '@signalbox/workflow/views/event-view.js';
import { unknownRun } from './run-finder.ts';
import { RunStore } from './run.store.ts';

const limitDefault = 200;
/** Of one answer; the rest comes with the next. */
const bytesMax = 400_000;

@Controller()
export class ListRunEventsHandler {
  constructor(private readonly store: RunStore) {}

  @Handles(listRunEvents)
  async handle(
    @Payload() { run, after = -1, limit = limitDefault }: ListRunEventsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListRunEventsReply> {
    const found = await this.store.readEvents(workspace, toUuid(run, 'run'), after + 1, limit + 1);
    if (!found) throw unknownRun(run);
    const { graph } = found;
    const data: RunEventView[] = [];
    let bytes = 0;
    let isCut = found.rows.length > limit;
    let next = after + 1;
    let through = after;
    for (const row of found.rows.slice(0, limit)) {
      if (row.seq > next) throw gap(run, next);
      next = row.seq + row.count;
      // Of what cannot be read there is nothing to tell.
      if (row.transitions.length === 0) through = Math.max(through, next - 1);
      row.transitions.forEach((transition, offset) => {
        const event = row.seq + offset > after ? eventOf(run, graph, row.seq + offset, transition) : undefined;
        if (isFull()) return;
        through = Math.max(through, row.seq + offset);
        if (event === undefined) return;
        bytes += sizeOf(event as unknown as Json);
        data.push(event);
      });
      if (isFull()) {
        isCut = true;
        break;
      }
    }
    return { data, through, hasMore: isCut, isEnded: found.isEnded };

    function isFull(): boolean {
      return data.length >= limit || bytes > bytesMax;
    }
  }
}

/** No step of ours leaves one: whoever reads on would take the run for whole. */
function gap(run: string, seq: number): Fault {
  return new Fault(
    'internal',
    `what is recorded of ${run} lacks event ${seq}`,
    'Keep the database as it is, and compare it with a backup.',
  );
}
