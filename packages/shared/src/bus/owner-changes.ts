import type { NatsConnection } from '@nats-io/transport-node';
import { shardsTaken, type ShardsTaken } from '../contracts/execution/shards-taken.ts';
import { Fault } from '../errors/fault.ts';
import type { ServiceName } from './contract.ts';
import type { Asking } from './requests.ts';

type Listener = (shards: ReadonlySet<number>) => void;

/** Shards that get another owner, heard once by this process: one that was killed never answers, and who has the shard from now on can be asked at once. */
export class OwnerChanges {
  /** Whose owners tell that they are. */
  readonly of = shardsTaken.service;
  private readonly listeners = new Set<Listener>();
  private isListening = false;

  constructor(
    private readonly service: ServiceName,
    private readonly connection: NatsConnection,
  ) {}

  /** Hears which shards another replica has from now on, until the returned function is called. */
  hear(listener: Listener): () => void {
    this.listen();
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Ends the wait for what an owner of the shard was asked once another replica has it, until the returned function is called. */
  failChanged(asking: Asking, shard: number): () => void {
    return this.hear((shards) => {
      if (shards.has(shard)) asking.fail(changedFault(this.of));
    });
  }

  private listen(): void {
    // Others may not: they ask nothing of owners.
    if (this.isListening || !(this.service === 'api-gateway' || shardsTaken.listeners.includes(this.service))) return;
    this.isListening = true;
    this.connection.subscribe(shardsTaken.subject, {
      callback: (error, message) => {
        if (error) return;
        const shards = new Set(message.json<{ payload: ShardsTaken }>().payload.shards);
        for (const listener of [...this.listeners]) listener(shards);
      },
    });
  }
}

function changedFault(service: string): Fault {
  return new Fault(
    'unavailable',
    `another replica of ${service} answers from now on`,
    'It may have had an effect: look before you repeat it.',
    {
      service,
      retryAfterMs: 100,
    },
  );
}
