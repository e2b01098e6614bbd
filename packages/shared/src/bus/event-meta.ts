import { BaseRpcContext } from '@nestjs/microservices';

interface EventMetaOptions {
  subject: string;
  /** Id of the event, the same at each delivery. */
  id: string;
  /** UUID of the workspace, empty for events of the installation. */
  workspace: string;
  /** The entity's id or name, and its version after the change: drop what is older than what you saw. */
  entity: string;
  version: number;
  /** Sequence in the stream; 0 for live events. */
  sequence: number;
  /** Epoch milliseconds. */
  at: number;
}

/** What comes with an event beside its payload. `@Ctx()` in handlers. */
export class EventMeta extends BaseRpcContext<[EventMetaOptions]> {
  constructor(options: EventMetaOptions) {
    super([options]);
  }
  get data(): Readonly<EventMetaOptions> {
    return this.args[0];
  }
}

/** How an event travels: its payload under the facts of it. */
export interface EventEnvelope {
  id: string;
  workspace: string;
  entity: string;
  version: number;
  at: number;
  payload: unknown;
}
