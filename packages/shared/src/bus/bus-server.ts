import { Server } from '@nestjs/microservices';
import { headers, NoRespondersError, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { firstValueFrom, isObservable } from 'rxjs';
import { Fault } from '../errors/fault.ts';
import { requirePermission, type Caller } from '../identity/caller.ts';
import type { IdentityVerifier } from '../identity/verifier.ts';
import { jsonWithoutSecrets } from '../secrets/live-secrets.ts';
import { childTraceparent, inCall, recordedSpan, type CallContext } from '../telemetry/call-context.ts';
import { now } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';
import { isTracing, recordSpan } from '../telemetry/tracing.ts';
import { BusCall } from './bus-call.ts';
import { CallLife } from './call-life.ts';
import { atShard, messageMaxBytes, requireHarmless, type Contract, type ServiceName } from './contract.ts';
import { EventConsumers } from './event-consumers.ts';
import type { HandlerExtras } from './handles.ts';
import { cancelSubject, header, servedSubject } from './headers.ts';
import { parseJson } from './json.ts';
import { validate, validateRequest } from './validate.ts';

/** Requests being served at once by one process; more would only wait inside it, so they are refused and may be tried elsewhere. */
const inFlightMax = 2_000;
/** How long a shutdown waits for requests in flight. */
const drainMs = 8_000;
/** How long NATS may take to say that nothing more comes. */
const drainedMs = 1_000;
/** How long the owner of a shard may take to answer what another replica can answer too. */
const ownerPatienceMs = 1_500;

export interface BusServerOptions {
  service: ServiceName;
  connection: NatsConnection;
  verifier: IdentityVerifier;
  /** Makes the caller of a verified identity able to speak to further services. */
  callerOf: (claims: Awaited<ReturnType<IdentityVerifier['verify']>>, token: string) => Caller;
  /** Told of what callers were denied: `operation` is the contract's subject. */
  onDenied?: (caller: Caller, operation: string) => void;
  /** Asks the owner of a shard, in the caller's name: of services that have shards. */
  askOwner?: (contract: Contract, request: object, caller: Caller, options: { shard: number; timeoutMs?: number }) => Promise<object>;
}

type MessageHandler = (data: unknown, context: unknown) => Promise<unknown>;

/** Nest's transport over our contracts: nothing that is no contract is heard, and no handler sees what was not checked. */
export class BusServer extends Server {
  private readonly inFlight = new Map<string, CallLife>();
  private readonly subscriptions = new Set<Subscription>();
  /** Of calls in flight: heard until the last has ended. */
  private readonly watching: Subscription[] = [];
  private readonly consumers: EventConsumers;
  /** What the owner of a shard hears, by the end of its subject. */
  private readonly sharded = new Map<string, { contract: Contract; handler: MessageHandler }>();
  private readonly shards = new Map<number, Subscription>();
  private isDraining = false;
  private readonly closing = new AbortController();
  private serving = 0;

  constructor(private readonly options: BusServerOptions) {
    super();
    this.consumers = new EventConsumers(options.service, options.connection);
  }

  override listen(callback: (error?: unknown) => void): void {
    this.start().then(() => callback(), callback);
  }

  private async start(): Promise<void> {
    const { connection, service } = this.options;
    const events = [];
    for (const [pattern, handler] of this.messageHandlers) {
      const { contract, event } = (handler.extras ?? {}) as HandlerExtras;
      if (event) {
        events.push({ event, handler: handler as MessageHandler });
        for (let next = nextOf(handler); next; next = nextOf(next)) events.push({ event, handler: next });
      } else if (!contract) throw new Error(`${pattern} is handled without a contract`);
      else if (contract.service !== service) throw new Error(`${pattern} belongs to ${contract.service}, not to ${service}`);
      else if (contract.shard) this.sharded.set(endOf(contract), { contract, handler: handler as MessageHandler });
      else {
        this.hear(contract, handler as MessageHandler);
        if (contract.shardOf)
          this.sharded.set(endOf(atShard(contract)), { contract: atShard(contract), handler: handler as MessageHandler });
      }
    }
    this.watching.push(
      connection.subscribe(cancelSubject(service), {
        callback: (error, message) => {
          if (!error) this.inFlight.get(message.string())?.end(new Fault('cancelled', 'the caller waits no more', 'Ask again.'));
        },
      }),
      connection.subscribe(servedSubject(service), {
        callback: (error, message) => {
          if (!error && this.inFlight.has(message.string())) message.respond();
        },
      }),
    );
    await this.consumers.start(events);
    await connection.flush();
  }

  /** Aborted when the service begins to stop: handlers that wait for something to happen answer then. */
  get draining(): AbortSignal {
    return this.closing.signal;
  }

  /** Hears what is said to the owner of a shard, until the returned function is called; that resolves when all that was said before is heard. */
  hearShard(shard: number): () => Promise<void> {
    const { connection, service } = this.options;
    const subscription = connection.subscribe(`sb.${service}.shard.${shard}.>`, {
      callback: (error, message) => {
        if (error) log.error('a subscription failed', { subject: subscription.getSubject(), err: error });
        else this.serveShard(message);
      },
    });
    this.shards.set(shard, subscription);
    this.subscriptions.add(subscription);
    return () => {
      if (this.shards.get(shard) === subscription) this.shards.delete(shard);
      this.subscriptions.delete(subscription);
      return drained(subscription);
    };
  }

  private serveShard(message: Msg): void {
    const end = message.subject.split('.').slice(4);
    // Of a service that speaks for itself, the last part is its name.
    const heard = this.sharded.get(end.join('.')) ?? this.sharded.get(end.slice(0, -1).join('.'));
    if (heard) void this.serve(heard.contract, heard.handler, message);
    else log.warn('nobody handles what was said to a shard', { subject: message.subject });
  }

  private hear(contract: Contract, handler: MessageHandler): void {
    const subject = contract.identity === 'service' ? `${contract.subject}.*` : contract.subject;
    const subscription = this.options.connection.subscribe(subject, {
      queue: this.options.service,
      callback: (error, message) => {
        if (error) log.error('a subscription failed', { subject, err: error });
        else void this.serve(contract, handler, message);
      },
    });
    this.subscriptions.add(subscription);
  }

  private async serve(contract: Contract, handler: MessageHandler, message: Msg): Promise<void> {
    this.serving++;
    try {
      const reply = await this.answer(contract, handler, message);
      const bytes = jsonWithoutSecrets(JSON.stringify(reply));
      if (Buffer.byteLength(bytes) > messageMaxBytes) {
        throw new Fault('invalid', `the answer has more than ${messageMaxBytes} bytes`, 'Ask for less at once, or for an artifact.');
      }
      message.respond(bytes);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code === 'internal') log.error('a handler failed', { subject: message.subject, err: thrown });
      const replyHeaders = headers();
      replyHeaders.set(header.fault, fault.code);
      message.respond(jsonWithoutSecrets(JSON.stringify(fault.toData())), { headers: replyHeaders });
    } finally {
      this.serving--;
    }
  }

  private async answer(contract: Contract, handler: MessageHandler, message: Msg): Promise<object> {
    if (this.isDraining || this.serving > inFlightMax) {
      throw new Fault(
        'unavailable',
        `${contract.service} ${this.isDraining ? 'is stopping' : 'has too much to do'}`,
        'Try again in a moment.',
        {
          service: contract.service,
          retryAfterMs: 500,
        },
      );
    }
    const given = givenOf(message);
    const deadline = deadlineOf(given, contract);
    if (deadline <= now()) throw new Fault('timeout', 'the deadline had passed before the work began', 'Allow more time.');
    const callId = given[header.call] ?? '';
    const life = new CallLife(deadline);
    if (callId) this.inFlight.set(callId, life);
    let who: { caller: Caller } | { fromService: ServiceName } | null = null;
    const context = new ServedCall(given, life);
    const startMs = Date.now();
    let error: string | undefined;
    try {
      const identified = await this.identify(contract, message.subject, given);
      if (context.isMirror && 'caller' in identified) requireHarmless(contract);
      who = identified;
      const request = validateRequest(contract.request, parseJson(message.data, contract.maxBytes));
      const call = new BusCall({ subject: message.subject, life, ...identified });
      const reply = await inCall(context, async () => {
        const owners = 'caller' in identified ? await this.ofOwner(contract, request, identified.caller) : undefined;
        const result = owners ?? (await handler(request, call));
        return isObservable(result) ? await firstValueFrom(result) : result;
      });
      life.throwIfOver(); // whoever asked was told so already
      return checkedReply(contract, reply);
    } catch (thrown) {
      if (who && 'caller' in who && thrown instanceof Fault && thrown.code === 'forbidden')
        this.options.onDenied?.(who.caller, contract.subject);
      if (isTracing()) error = Fault.from(thrown).code;
      throw thrown;
    } finally {
      life.done();
      if (callId) this.inFlight.delete(callId);
      if (isTracing()) recordCall(contract, context, { startMs, error });
    }
  }

  /** What the owner of the request's shard answers, if that is another replica; undefined where the shard has no owner at the moment. */
  private async ofOwner(contract: Contract, request: object, caller: Caller): Promise<object | undefined> {
    const shard = contract.shard ? undefined : contract.shardOf?.(request, caller);
    if (shard === undefined || this.shards.has(shard) || !this.options.askOwner) return undefined;
    // What may be done twice is done here when the owner is silent: it may have died with the question.
    const patience = contract.idempotent && { timeoutMs: Math.min(ownerPatienceMs, contract.timeoutMs / 2) };
    try {
      return await this.options.askOwner(atShard(contract), request, caller, { shard, ...patience });
    } catch (thrown) {
      if (thrown instanceof Fault && (isUnheard(thrown) || (patience && thrown.code === 'timeout'))) return undefined;
      throw thrown;
    }
  }

  private async identify(contract: Contract, subject: string, given: Given): Promise<{ caller: Caller } | { fromService: ServiceName }> {
    if (contract.identity === 'service') {
      const fromService = subject.slice(subject.lastIndexOf('.') + 1) as ServiceName;
      if (!contract.callers.includes(fromService))
        throw new Fault('forbidden', `${fromService} may not call ${contract.subject}`, 'Call as another service.');
      return { fromService };
    }
    const token = given[header.identity];
    if (!token) throw new Fault('unauthenticated', 'no identity came with the request', 'Send a key.');
    const caller = this.options.callerOf(await this.options.verifier.verify(token), token);
    try {
      requirePermission(caller, contract.permission);
    } catch (thrown) {
      this.options.onDenied?.(caller, contract.subject);
      throw thrown;
    }
    return { caller };
  }

  /** Hears nothing new, lets what is in flight end, then returns; the connection stays open. */
  override async close(): Promise<void> {
    this.closing.abort();
    await this.consumers.stop();
    // What NATS has sent us by now nobody else gets: it is served.
    await Promise.all([...this.subscriptions].map(drained));
    this.isDraining = true;
    for (let waited = 0; this.serving > 0 && waited < drainMs; waited += 20) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const life of this.inFlight.values()) life.end(new Fault('unavailable', 'the service is stopping', 'Try again.'));
    for (const subscription of this.watching) if (!subscription.isClosed()) subscription.unsubscribe();
  }

  override on(): void {
    throw new Error('the bus has no events of its own to listen to');
  }

  override unwrap<T>(): T {
    return this.options.connection as T;
  }
}

/** Hears no more; resolves when all that was sent before is handed to its handler, or NATS is away. */
async function drained(subscription: Subscription): Promise<void> {
  if (subscription.isClosed()) return;
  const draining = subscription.drain().catch((err: unknown) => log.debug('a subscription was not drained', { err }));
  await Promise.race([draining, new Promise((resolve) => setTimeout(resolve, drainedMs).unref())]);
}

/** `accept-task` of `sb.execution.shard.*.accept-task`. */
function endOf({ subject }: Contract): string {
  return subject.split('.').slice(4).join('.');
}

/** Nobody heard the request: nothing was done. */
function isUnheard({ cause }: Fault): boolean {
  return [cause, (cause as { cause?: unknown } | undefined)?.cause].some((each) => each instanceof NoRespondersError);
}

/** Several listeners of one event in one service: Nest chains them. */
function nextOf(handler: unknown): MessageHandler | undefined {
  return (handler as { next?: MessageHandler }).next;
}

/** What came with a message, by the names of `header`. */
type Given = Partial<Record<string, string>>;

function givenOf(message: Msg): Given {
  const given: Given = {};
  for (const [name, values] of message.headers ?? []) given[name] = values[0];
  return given;
}

/** The context of a call that is served. Few ask for its `traceparent`. */
class ServedCall implements CallContext {
  readonly isMirror: boolean;
  private made: string | undefined;

  constructor(
    private readonly given: Given,
    readonly life: CallLife,
  ) {
    this.isMirror = given[header.mirror] !== undefined;
  }

  /** Of the call that this one is made for. */
  get parent(): string | undefined {
    return this.given[header.traceparent];
  }

  get traceparent(): string {
    return (this.made ??= childTraceparent(this.parent));
  }
}

function deadlineOf(given: Given, contract: Contract): number {
  const latest = now() + contract.timeoutMs;
  const asked = Number(given[header.deadline]);
  return asked > 0 ? asked : latest;
}

/** The span of one call, by the conventions for messaging. */
function recordCall(
  { subject }: Contract,
  { parent, traceparent }: ServedCall,
  { startMs, error }: { startMs: number; error: string | undefined },
): void {
  const span = recordedSpan(traceparent);
  if (span === undefined) return;
  const attributes = { 'messaging.system': 'nats', 'messaging.operation.type': 'process', 'messaging.destination.name': subject };
  recordSpan({ ...span, name: subject, kind: 'server', parent: recordedSpan(parent)?.id, startMs, endMs: Date.now(), attributes, error });
}

/** A reply that breaks its contract is our bug: it is said in the log and does not leave the service. */
function checkedReply(contract: Contract, reply: unknown): object {
  try {
    return validate(contract.reply, reply);
  } catch (cause) {
    throw new Error(`${contract.subject} answered with what its contract forbids: ${JSON.stringify((cause as Fault).errors)}`, { cause });
  }
}
