import type { NatsConnection } from '@nats-io/transport-node';
import { shardsTaken, type ShardsTaken } from '../contracts/execution/shards-taken.ts';
import { Fault } from '../errors/fault.ts';

/** Open requests to owners of shards: an owner that was killed never answers, and who has the shard from now on can be asked at once. */
export class OwnerChanges {
  /** Whose owners tell that they are. */
  readonly service = shardsTaken.service;
  private readonly open = new Map<number, Set<() => void>>();
  private isListening = false;

  constructor(private readonly connection: NatsConnection) {}

  /** The answer, or `unavailable` once another replica has the shard. */
  over<T>(answer: Promise<T>, shard: number): Promise<T> {
    this.listen();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const onChange = (): void => reject(changedFault(this.service));
    const open = this.open.get(shard) ?? new Set();
    this.open.set(shard, open.add(onChange));
    answer.then(resolve, reject).finally(() => {
      open.delete(onChange);
      if (open.size === 0 && this.open.get(shard) === open) this.open.delete(shard);
    });
    return promise;
  }

  private listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    this.connection.subscribe(shardsTaken.subject, {
      callback: (error, message) => {
        if (error) return;
        for (const shard of message.json<{ payload: ShardsTaken }>().payload.shards) for (const tell of this.open.get(shard) ?? []) tell();
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
