import { Fault } from '@signalbox/shared/errors/fault.js';

/** The workspace has no workflow of this name. */
export function unknownWorkflow(name: string): Fault {
  return new Fault('not_found', `there is no workflow ${name}`, 'Apply its manifest, or look at the list of workflows.');
}
