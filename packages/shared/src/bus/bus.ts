import { randomUUID } from 'node:crypto';
import { headers, NoRespondersError, TimeoutError, type NatsConnection } from '@nats-io/transport-node';
import { Fault, type FaultData } from '../errors/fault.ts';
import type { Caller } from '../identity/caller.ts';
import type { IdentityBroker } from '../identity/identity-broker.ts';
import { jsonWithoutSecrets } from '../secrets/live-secrets.ts';
import { childTraceparent, currentCall } from '../telemetry/call-context.ts';
import { now } from '../telemetry/clock.ts';
import type { BusServer } from './bus-server.ts';
import type { CallLife } from './call-life.ts';
import { OwnerChanges } from './owner-changes.ts';
import { isLost, untilBack } from './connection.ts';
import type { Contract, EventContract, ServiceName } from './contract.ts';
import type { EventEnvelope } from './event-meta.ts';
import { CallWatch, watchedFromMs, watchedOfAnyFromMs } from './call-watch.ts';
import { cancelSubject, header } from './headers.ts';
import { Requests } from './requests.ts';

export interface RequestOptions {
  /** Shorter or longer than the contract's; never past the deadline of the call being served. */
  timeoutMs?: number;
  /** Aborting it tells the service that nobody waits. */
  signal?: AbortSignal;
  /** For sharded contracts. */
  shard?: number;
}

/** What a live event is about. */
export interface LiveAbout {
  workspace: string;
  entity: string;
  version?: number;
  id?: string;
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
  /** What is asked past the contracts: JetStream, by the outbox. */
  readonly requests = new Requests(this.connection, `_INBOX_${this.service}`);

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
    const life = currentCall()?.life;
    const deadline = Math.min(now() + (options.timeoutMs ?? contract.timeoutMs), life?.deadline ?? Infinity);
    const over = overOf(options.signal, life);
    let away: Fault | null = null;
    for (let attempt = 0; ; attempt++) {
      over?.throwIfOver();
      try {
        return await this.requestOnce(contract, body, as, deadline, over, options.shard);
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
    over: Over | undefined,
    shard: number | undefined,
  ): Promise<Reply> {
    if (isLost(this.connection) && !(await untilBack(this.connection, deadline - now()))) throw awayFault();
    const call = currentCall();
    const token = as === 'service' ? null : await as.tokenFor(contract.service);
    const remaining = deadline - now();
    if (remaining <= 0) throw lateFault(contract);
    const requestHeaders = headers();
    requestHeaders.append(header.deadline, String(deadline));
    requestHeaders.append(header.traceparent, call?.traceparent ?? childTraceparent());
    if (call?.isMirror === true) requestHeaders.append(header.mirror, '1');
    if (token) requestHeaders.append(header.identity, token);
    const hasOwners = contract.service === this.owners.of;
    const isWatched = remaining >= (hasOwners && shard === undefined ? watchedOfAnyFromMs : watchedFromMs);
    const callId = over || isWatched ? randomUUID() : '';
    if (callId) requestHeaders.append(header.call, callId);

    const asking = this.requests.ask(this.subjectOf(contract, as, shard), jsonWithoutSecrets(JSON.stringify(body)), {
      timeoutMs: remaining + graceMs,
      headers: requestHeaders,
    });
    const undo: (() => void)[] = [];
    if (hasOwners && shard !== undefined) undo.push(this.owners.failChanged(asking, shard));
    if (isWatched) {
      const watch = new CallWatch(this.connection, contract.service, { callId, asking, givesUp: remaining >= watchedFromMs });
      undo.push(() => watch.stop());
      if (hasOwners) undo.push(this.owners.hear(() => watch.replaced()));
    }
    if (over) {
      const giveUp = (why: unknown): void => {
        this.connection.publish(cancelSubject(contract.service), callId);
        asking.fail(Fault.from(why instanceof Fault ? why : new Fault('cancelled', 'the request was cancelled', 'Ask again.')));
      };
      undo.push(over.onEnd(giveUp));
    }
    try {
      const message = await asking.answer;
      if (message.headers?.has(header.fault)) throw Fault.fromData(message.json<FaultData>());
      return message.json<Reply>();
    } catch (thrown) {
      throw faultOf(contract, thrown);
    } finally {
      for (const each of undo) each();
    }
  }

  private subjectOf(contract: Contract, as: Caller | 'service', shard: number | undefined): string {
    const subject = contract.shard ? contract.subject.replace('*', String(shard)) : contract.subject;
    if (as !== 'service') return subject;
    if (contract.identity !== 'service') throw new Error(`${contract.subject} wants a caller's identity`);
    return `${subject}.${this.service}`;
  }

  /** Tells whoever listens now, and nobody else. Durable events go through the outbox. */
  publishLive<Payload extends object>(event: EventContract<Payload>, payload: NoInfer<Payload>, about: LiveAbout): void {
    this.prepareLive(event, payload, about)();
  }

  /** Makes the message of a live event; the returned function publishes it. */
  prepareLive<Payload extends object>(event: EventContract<Payload>, payload: NoInfer<Payload>, about: LiveAbout): () => void {
    if (event.durable) throw new Error(`${event.subject} is durable: append it to the outbox`);
    const envelope: EventEnvelope = {
      id: about.id ?? randomUUID(),
      workspace: about.workspace,
      entity: about.entity,
      version: about.version ?? 0,
      at: now(),
      payload,
    };
    const message = jsonWithoutSecrets(JSON.stringify(envelope));
    return () => this.connection.publish(event.subject, message);
  }
}

/** Who waits may give up. */
type Over = Pick<CallLife, 'onEnd' | 'throwIfOver'>;

function overOf(signal: AbortSignal | undefined, life: CallLife | undefined): Over | undefined {
  if (signal === undefined) return life;
  return {
    throwIfOver: () => signal.throwIfAborted(),
    onEnd: (listener) => {
      const onAbort = (): void => listener(signal.reason as Fault);
      signal.addEventListener('abort', onAbort, { once: true });
      return () => signal.removeEventListener('abort', onAbort);
    },
  };
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
