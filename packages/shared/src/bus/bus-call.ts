import { BaseRpcContext } from '@nestjs/microservices';
import type { Caller } from '../identity/caller.ts';
import type { CallLife } from './call-life.ts';
import type { ServiceName } from './contract.ts';

interface BusCallOptions {
  subject: string;
  life: CallLife;
  caller?: Caller;
  fromService?: ServiceName;
}

/** One request being served: who asks, until when, and whether anybody still waits. */
export class BusCall extends BaseRpcContext<[BusCallOptions]> {
  constructor(options: BusCallOptions) {
    super([options]);
  }
  /** The subject as published: of a sharded contract, with the shard. */
  get subject(): string {
    return this.args[0].subject;
  }
  /** Epoch milliseconds (the database's clock). */
  get deadline(): number {
    return this.args[0].life.deadline;
  }
  /** Until when somebody waits for it. */
  get life(): CallLife {
    return this.args[0].life;
  }
  /** Aborted when the caller gives up or the deadline has passed. */
  get signal(): AbortSignal {
    return this.args[0].life.signal;
  }
  get caller(): Caller | undefined {
    return this.args[0].caller;
  }
  get fromService(): ServiceName | undefined {
    return this.args[0].fromService;
  }
}
