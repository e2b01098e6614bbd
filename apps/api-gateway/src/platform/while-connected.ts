import type { ServerResponse } from 'node:http';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** Aborted when the client goes before its answer was written. */
export function whileConnected(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new Fault('cancelled', 'the client has gone', 'Ask again.'));
  });
  return controller.signal;
}
