import { randomUUID } from 'node:crypto';
import { headers, NoRespondersError, TimeoutError, type NatsConnection } from '@nats-io/transport-node';
import { Fault, type FaultData } from '../errors/fault.ts';
import type { Caller } from '../identity/caller.ts';
import type { IdentityBroker } from '../identity/identity-broker.ts';
import { jsonWithoutSecrets } from '../secrets/live-secrets.ts';
import { childTraceparent, currentCall } from '../telemetry/call-context.ts';
import { now } from '../telemetry/clock.ts';
import type { BusServer } from './bus-server.ts';
import { OwnerChanges } from './owner-changes.ts';
import { isLost, untilBack } from './connection.ts';
import type { Contract, EventContract, ServiceName } from './contract.ts';
import type { EventEnvelope } from './event-meta.ts';
import { CallWatch, watchedFromMs, watchedOfAnyFromMs } from './call-watch.ts';
import { cancelSubject, header } from './headers.ts';

export interface RequestOptions {
  /** Shorter or longer than the contract's; never past the deadline of the call being served. */
  timeoutMs?: number;
  /** Aborting it tells the service that nobody waits. */
  signal?: AbortSignal;
  /** For sharded contracts. */
  shard?: number;
}

/** A request without an answer is tried again after these pauses, if its contract is idempotent: a service's restart is bridged. */
const retryPausesMs = [50, 200, 600];
/** Beyond the deadline, time for the service's own `timeout` to arrive. */
const graceMs = 100;

/** How services ask each other: typed requests by contract, and live events. */
export class Bus {
  private brokerOrNull: IdentityBroker | null = null;
  private readonly served = Promise.withResolvers<BusServer>();
  /** Who owns the shards of `execution`, as it changes. */
  readonly owners = new OwnerChanges(this.service, this.connection);

  constructor(
    readonly service: ServiceName,
    readonly connection: NatsConnection,
  ) {}

  /** The service's own ears, once they are open: the owner of a shard hears its contracts through them. */
  get server(): Promise<BusServer> {
    return this.served.promise;
  }

  /** Told once at start, when the service is heard. */
  listens(server: BusServer): void {
    this.served.resolve(server);
  }

  /** Set once at start; the broker itself asks over the bus. */
  set broker(broker: IdentityBroker) {
    this.brokerOrNull = broker;
  }

  get broker(): IdentityBroker {
    if (!this.brokerOrNull) throw new Error('the bus has no identity broker');
    return this.brokerOrNull;
  }

  /** A caller that acts with the rights behind a grant, as long as they last. */
  as(grant: string): Promise<Caller> {
    return this.broker.callerOfGrant(grant);
  }

  /**
   * Asks and awaits the checked answer. Rejects with the service's Fault; `unavailable` when nobody answers for the service, `timeout` when the
   * answer is late, `cancelled` when `signal` is aborted.
   */
  async request<Request extends object, Reply extends object>(
    contract: Contract<Request, Reply>,
    body: NoInfer<Request>,
    as: Caller | 'service',
    options: RequestOptions = {},
  ): Promise<Reply> {
    const call = currentCall();
    const signal = options.signal ?? call?.life?.signal;
    const deadline = Math.min(now() + (options.timeoutMs ?? contract.timeoutMs), call?.life?.deadline ?? Infinity);
    let away: Fault | null = null;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return await this.requestOnce(contract, body, as, deadline, signal, options.shard);
      } catch (thrown) {
        // It was not running and came up too late for this call, which may be repeated: that is worth more than that it was late.
        if (away && thrown instanceof Fault && thrown.code === 'timeout') throw away;
        const pause = (retryPausesMs[attempt] ?? Infinity) * (0.5 + Math.random());
        const isWorthIt = thrown instanceof Fault && thrown.code === 'unavailable' && thrown.service === contract.service;
        if (!isWorthIt || !contract.idempotent || now() + pause >= deadline) throw thrown;
        away = Fault.from(thrown);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  private async requestOnce<Request extends object, Reply extends object>(
    contract: Contract<Request, Reply>,
    body: Request,
    as: Caller | 'service',
    deadline: number,
    signal: AbortSignal | undefined,
    shard: number | undefined,
  ): Promise<Reply> {
    if (isLost(this.connection) && !(await untilBack(this.connection, deadline - now()))) throw awayFault();
    const call = currentCall();
    const token = as === 'service' ? null : await as.tokenFor(contract.service);
    const remaining = deadline - now();
    if (remaining <= 0) throw lateFault(contract);
    const requestHeaders = headers();
    requestHeaders.set(header.deadline, String(deadline));
    requestHeaders.set(header.traceparent, call?.traceparent ?? childTraceparent());
    if (call?.isMirror === true) requestHeaders.set(header.mirror, '1');
    if (token) requestHeaders.set(header.identity, token);
    const ofOwner = contract.service === this.owners.of ? shard : undefined;
    const isOfAny = contract.service === this.owners.of && ofOwner === undefined;
    const isWatched = remaining >= (isOfAny ? watchedOfAnyFromMs : watchedFromMs);
    const callId = signal || isWatched ? randomUUID() : '';
    if (callId) requestHeaders.set(header.call, callId);

    const asking = this.connection.request(this.subjectOf(contract, as, shard), jsonWithoutSecrets(JSON.stringify(body)), {
      timeout: remaining + graceMs,
      headers: requestHeaders,
    });
    try {
      const watched = isWatched ? this.watched(asking, contract.service, callId, remaining >= watchedFromMs) : asking;
      const answering = ofOwner === undefined ? watched : this.owners.over(watched, ofOwner);
      const message = await (signal ? this.untilAborted(contract, answering, signal, callId) : answering);
      if (message.headers?.has(header.fault)) throw Fault.fromData(message.json<FaultData>());
      return message.json<Reply>();
    } catch (thrown) {
      throw faultOf(contract, thrown);
    }
  }

  private watched<T>(asking: Promise<T>, service: ServiceName, callId: string, givesUp: boolean): Promise<T> {
    const watch = new CallWatch(this.connection, service, callId, givesUp);
    const answer = watch.over(asking);
    if (service !== this.owners.of) return answer;
    return answer.finally(this.owners.hear(() => watch.replaced()));
  }

  private subjectOf(contract: Contract, as: Caller | 'service', shard: number | undefined): string {
    const subject = contract.shard ? contract.subject.replace('*', String(shard)) : contract.subject;
    if (as !== 'service') return subject;
    if (contract.identity !== 'service') throw new Error(`${contract.subject} wants a caller's identity`);
    return `${subject}.${this.service}`;
  }

  private untilAborted<T>(contract: Contract, asking: Promise<T>, signal: AbortSignal, callId: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.connection.publish(cancelSubject(contract.service), callId);
        reject(
          Fault.from(signal.reason instanceof Fault ? signal.reason : new Fault('cancelled', 'the request was cancelled', 'Ask again.')),
        );
      };
      signal.addEventListener('abort', onAbort, { once: true });
      asking.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /** Tells whoever listens now, and nobody else. Durable events go through the outbox. */
  publishLive<Payload extends object>(
    event: EventContract<Payload>,
    payload: NoInfer<Payload>,
    about: { workspace: string; entity: string; version?: number; id?: string },
  ): void {
    if (event.durable) throw new Error(`${event.subject} is durable: append it to the outbox`);
    const envelope: EventEnvelope = {
      id: about.id ?? randomUUID(),
      workspace: about.workspace,
      entity: about.entity,
      version: about.version ?? 0,
      at: now(),
      payload,
    };
    this.connection.publish(event.subject, jsonWithoutSecrets(JSON.stringify(envelope)));
  }
}

function lateFault(contract: Contract, cause?: unknown): Fault {
  return new Fault('timeout', `${contract.service} did not answer in time`, 'Try again; look at the service if it stays so.', {
    service: contract.service,
    cause,
  });
}

function awayFault(): Fault {
  return new Fault('unavailable', 'NATS cannot be reached', 'Try again in a moment.', { service: 'nats', retryAfterMs: 1_000 });
}

function faultOf(contract: Contract, thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const causes = [thrown, (thrown as { cause?: unknown }).cause];
  if (causes.some((cause) => cause instanceof TimeoutError)) return lateFault(contract, thrown);
  const isAlone = causes.some((cause) => cause instanceof NoRespondersError);
  return new Fault(
    'unavailable',
    isAlone ? `${contract.service} is not running` : `${contract.service} cannot be reached`,
    'Try again in a moment; the services page says what is down.',
    { service: contract.service, retryAfterMs: 1_000, cause: thrown },
  );
}
