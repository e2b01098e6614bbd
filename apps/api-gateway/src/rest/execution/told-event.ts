import { endingRunEvents, type RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import { frameOf } from '../../platform/event-stream.ts';

/** An event of a run as its followers get it: made once for all of them. */
export interface ToldEvent {
  seq: number;
  /** Live only: it has the number of the event before it. */
  isProgress: boolean;
  /** Nothing follows. */
  isEnd: boolean;
  frame: Buffer;
}

export function toldEvent(event: RunEventView): ToldEvent {
  const isProgress = event.type === 'step.progress';
  const text = frameOf({ ...(!isProgress && { id: String(event.seq) }), event: event.type, data: event });
  return { seq: event.seq, isProgress, isEnd: endingRunEvents.includes(event.type), frame: Buffer.from(text) };
}
