import 'reflect-metadata';
import { Fault, type FaultCode } from '../errors/fault.ts';
import { anyCaller, type Caller } from '../identity/caller.ts';

/** Every service of Signalbox, by the name that its NATS user, container and configuration carry. */
export const serviceNames = ['api-gateway', 'registry', 'mcp-server', 'protocol', 'context', 'execution', 'security'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** A class whose instances travel: class-validator decorators say what is valid. */
export type MessageClass<T extends object = object> = new () => T;

export interface ContractOptions<Request extends object, Reply extends object> {
  /** `sb.<service>.<entity>.<verb>`, or with `shard` `sb.<service>.shard.*.<verb>`: `*` is the shard. */
  subject: string;
  request: MessageClass<Request>;
  reply: MessageClass<Reply>;
  /** What the caller must be allowed to do, as `state:write`; `none` where the handler itself decides (identity `service`). */
  permission: string;
  /** The services that may call: NATS permissions are made from it. */
  callers: readonly ServiceName[];
  timeoutMs: number;
  /** The largest request, in bytes of JSON. */
  maxBytes: number;
  /** Whether sending it twice is the same as once: only then does the bus try again by itself. */
  idempotent: boolean;
  /** Codes beside the general ones (`invalid`, `unauthenticated`, `forbidden`, `unavailable`, `timeout`, `internal`). */
  errors?: readonly FaultCode[];
  /**
   * `caller` (default): a signed identity must come along and hold `permission`. `service`: a service speaks for itself; who it is
   * stands in the subject (`<subject>.<caller>`), which NATS lets nobody else use.
   */
  identity?: 'caller' | 'service';
  /** Heard by the owner of a shard alone, without a queue group. */
  shard?: boolean;
  /**
   * Whether it may be asked for a mirrored call, which must change nothing: absent, where `permission` is to read. With `true` the handler sees to it that
   * nothing outside is changed.
   */
  inMirror?: boolean;
  /**
   * The shard whose owner knows best: a replica that is not the owner hands the request on (see `atShard`), and answers from what is stored
   * where the shard has none at the moment.
   */
  shardOf?(request: Request, caller: Caller): number;
}

export interface Contract<Request extends object = object, Reply extends object = object>
  extends Required<Omit<ContractOptions<Request, Reply>, 'shardOf'>>, Pick<ContractOptions<Request, Reply>, 'shardOf'> {
  readonly type: 'contract';
  readonly service: ServiceName;
}

/** The largest message on the bus; what may be larger is an artifact. */
export const messageMaxBytes = 512 * 1024;

/** `forbidden`: it would change something, and is asked for a mirrored call. */
export function requireHarmless({ inMirror, subject, permission }: Contract): void {
  if (inMirror) return;
  throw new Fault(
    'forbidden',
    `a mirrored call changes nothing: ${subject} (${permission}) is refused`,
    'It was called only to compare a new version with the stable one. Leave the effect out where signalbox-mirror says so.',
  );
}

/** An operation that one service offers to others: the only way that services talk. Throws at definition when it cannot be one. */
export function defineContract<Request extends object, Reply extends object>(
  options: ContractOptions<Request, Reply>,
): Contract<Request, Reply> {
  const [prefix, service, ...rest] = options.subject.split('.');
  if (prefix !== 'sb' || rest.length < 2 || !serviceNames.includes(service as ServiceName)) {
    throw new Error(`a contract's subject is sb.<service>.<entity>.<verb>, not ${options.subject}`);
  }
  if (!options.permission) throw new Error(`the contract ${options.subject} declares no permission`);
  if (options.maxBytes > messageMaxBytes) throw new Error(`the contract ${options.subject} allows more than a message can hold`);
  return {
    errors: [],
    identity: 'caller',
    shard: false,
    inMirror: options.permission === anyCaller || options.permission.endsWith(':read'),
    ...options,
    type: 'contract',
    service: service as ServiceName,
  };
}

/** A contract with `shardOf` as one replica hands it on to another: to the owner of the shard alone. */
export function atShard<Request extends object, Reply extends object>(contract: Contract<Request, Reply>): Contract<Request, Reply> {
  const [prefix, service, ...rest] = contract.subject.split('.');
  const subject = [prefix, service, 'shard', '*', ...rest].join('.');
  // Whoever handed it on decides what follows when nobody hears it.
  return { ...contract, subject, callers: [contract.service], shard: true, idempotent: false };
}

export interface EventOptions<Payload extends object> {
  /** `sb.event.<service>.<entity>.<past-tense>` (durable, through the outbox), or `sb.live.<service>.<entity>.<what>` (core NATS, lossy). */
  subject: string;
  payload: MessageClass<Payload>;
  /** Services that hear it beside the gateway, which hears all. */
  listeners?: readonly ServiceName[];
}

export interface EventContract<Payload extends object = object> extends Required<EventOptions<Payload>> {
  readonly type: 'event';
  readonly service: ServiceName;
  readonly durable: boolean;
}

/** Something that happened in one service and that others may hear. */
export function defineEvent<Payload extends object>(options: EventOptions<Payload>): EventContract<Payload> {
  const [prefix, kind, service, ...rest] = options.subject.split('.');
  if (prefix !== 'sb' || (kind !== 'event' && kind !== 'live') || rest.length < 2 || !serviceNames.includes(service as ServiceName)) {
    throw new Error(`an event's subject is sb.event.<service>.<entity>.<past-tense> or sb.live.<service>.…, not ${options.subject}`);
  }
  return { listeners: [], ...options, type: 'event', service: service as ServiceName, durable: kind === 'event' };
}
