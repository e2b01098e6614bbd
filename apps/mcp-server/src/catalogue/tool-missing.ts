import { Fault } from '@signalbox/shared/errors/fault.js';

/** The same words for a server that is missing and for a tool: what exists is told by lists alone. */
export function toolMissing(server: string, tool: string): Fault {
  return new Fault('not_found', `there is no tool ${server}/${tool.slice(0, 128)}`, 'GET /api/v1/tools lists them.');
}
