import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, credsAuthenticator, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { loadCatalogue, type Catalogue } from '@signalbox/shared/bus/catalogue.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import { Bus, type RequestOptions } from '@signalbox/shared/bus/bus.js';
import { requireHarmless, serviceNames, type Contract, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { header } from '@signalbox/shared/bus/headers.js';
import { parseJson } from '@signalbox/shared/bus/json.js';
import { validate } from '@signalbox/shared/bus/validate.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { getSigningKeys } from '@signalbox/shared/contracts/security/get-signing-keys.js';
import { issueIdentity } from '@signalbox/shared/contracts/security/issue-identity.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { natsBinary } from '@signalbox/stack/nats/binary.js';
import { credsOf, natsTrust, newNatsKeys, unrestrictedCreds, type NatsKeys, type NatsTrust } from '@signalbox/stack/nats/keys.js';
import { permissionsOf } from '@signalbox/stack/nats/permissions.js';
import { NatsServer } from '@signalbox/stack/nats/server.js';
import { TestIssuer, type TestIdentity } from './test-issuer.ts';

export interface TestRequestOptions extends RequestOptions {
  /** Who asks: an identity, or for contracts of identity `service` the service's name. */
  as?: TestIdentity | ServiceName;
  /** The service whose NATS user sends it; the contract's first caller if absent. */
  from?: ServiceName;
}

/** How a test answers in the place of another service. */
export type PeerHandler<Request, Reply> = (
  request: Request,
  call: { caller?: Required<TestIdentity>; fromService?: ServiceName; subject: string },
) => Promise<Reply> | Reply;

/** A nats-server of a test's own, with the real users and permissions of all services, and an issuer of identities in `security`'s place. */
export class TestBus {
  private readonly connections = new Map<ServiceName, Promise<Bus>>();
  private readonly answered = new Map<string, PeerHandler<object, object>>();

  private constructor(
    private server: NatsServer,
    private readonly folder: string,
    private readonly binary: string,
    private readonly keys: NatsKeys,
    private readonly trust: NatsTrust,
    readonly catalogue: Catalogue,
    readonly issuer: TestIssuer,
    /** A connection that hears and sends everything. */
    readonly connection: NatsConnection,
  ) {}

  static async start(options: { withSecurity?: boolean } = {}): Promise<TestBus> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-test-nats-'));
    await chmod(folder, 0o755);
    const keys = newNatsKeys();
    const [binary, catalogue, issuer] = await Promise.all([
      natsBinary(join(tmpdir(), 'signalbox-test-bin')),
      loadCatalogue(),
      TestIssuer.create(),
    ]);
    const trust = await natsTrust(keys, (service) => permissionsOf(service, catalogue));
    const server = await NatsServer.start({ binary: binary.path, folder, trust });
    await Promise.all(
      serviceNames.map(async (service) => writeFile(join(folder, `${service}.creds`), await credsOf(keys, service), { mode: 0o600 })),
    );
    const connection = await connect({
      servers: server.url,
      name: 'test',
      authenticator: credsAuthenticator(await unrestrictedCreds(keys, 'test')),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    const bus = new TestBus(server, folder, binary.path, keys, trust, catalogue, issuer, connection);
    if (options.withSecurity !== false) await bus.answerForSecurity();
    return bus;
  }

  get url(): string {
    return this.server.url;
  }

  /** The file with a service's NATS user. */
  credsFile(service: ServiceName): string {
    return join(this.folder, `${service}.creds`);
  }

  /** A bus that speaks as a service, with its NATS user. */
  as(service: ServiceName): Promise<Bus> {
    let bus = this.connections.get(service);
    if (!bus) {
      bus = connectBus({ natsUrl: this.url, natsCreds: this.credsFile(service), name: service }).then(
        (connection) => new Bus(service, connection),
      );
      this.connections.set(service, bus);
    }
    return bus;
  }

  /** A caller as handlers see one. */
  caller(identity: TestIdentity = {}): Caller {
    const complete = TestIssuer.complete(identity);
    return { ...complete, tokenFor: (audience) => this.issuer.sign(complete, audience) };
  }

  /** Asks as the contract's caller would, through its NATS user. */
  async request<Request extends object, Reply extends object>(
    contract: Contract<Request, Reply>,
    body: NoInfer<Request>,
    options: TestRequestOptions = {},
  ): Promise<Reply> {
    const { as, from, ...rest } = options;
    const service = from ?? (typeof as === 'string' ? as : contract.callers[0]);
    if (!service) throw new Error(`${contract.subject} has no callers`);
    const bus = await this.as(service);
    return bus.request(contract, body, contract.identity === 'service' ? 'service' : this.caller(typeof as === 'string' ? {} : as), rest);
  }

  /** Answers a contract in the place of its service, through that service's NATS user. A later call replaces an earlier one. */
  async answer<Request extends object, Reply extends object>(
    contract: Contract<Request, Reply>,
    handler: PeerHandler<Request, Reply>,
  ): Promise<void> {
    const isNew = !this.answered.has(contract.subject);
    this.answered.set(contract.subject, handler as unknown as PeerHandler<object, object>);
    if (!isNew) return;
    const { connection } = await this.as(contract.service);
    connection.subscribe(contract.identity === 'service' ? `${contract.subject}.*` : contract.subject, {
      callback: (error, message) => {
        if (!error) void this.serve(contract, message);
      },
    });
    await connection.flush();
  }

  private async serve(contract: Contract, message: Msg): Promise<void> {
    try {
      const request = validate(contract.request, parseJson(message.data, contract.maxBytes));
      if (message.headers?.has(header.mirror) === true && contract.identity === 'caller') requireHarmless(contract);
      const token = message.headers?.get(header.identity);
      const reply = await this.answered.get(contract.subject)!(request, {
        subject: message.subject,
        ...(contract.identity === 'service' && { fromService: message.subject.slice(message.subject.lastIndexOf('.') + 1) as ServiceName }),
        ...(token && { caller: await this.issuer.read(token, contract.service) }),
      });
      message.respond(JSON.stringify(validate(contract.reply, reply)));
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code === 'internal') console.error(`the test's answer to ${contract.subject} failed`, thrown);
      const faultHeaders = headers();
      faultHeaders.set(header.fault, fault.code);
      message.respond(JSON.stringify(fault.toData()), { headers: faultHeaders });
    }
  }

  private async answerForSecurity(): Promise<void> {
    const { issuer } = this;
    await this.answer(getSigningKeys, () => ({ keys: [issuer.publicJwk as Record<string, unknown>] }));
    await this.answer(issueIdentity, ({ kind, credential, audience }, { fromService }) =>
      issuer.issue(kind, credential, audience, fromService!),
    );
    await this.answer(createGrant, (_, { caller }) => ({ grant: issuer.addCredential(caller!) }));
  }

  /** Ends the server as a crash would, and starts it again on the same port and store after a while; `meanwhile` gets the store's folder. */
  async restart(awayMs = 0, meanwhile?: (store: string) => Promise<void>): Promise<void> {
    const { port } = this.server;
    await this.server.kill();
    if (awayMs > 0) await new Promise((resolve) => setTimeout(resolve, awayMs));
    await meanwhile?.(join(this.folder, 'jetstream'));
    this.server = await NatsServer.start({ binary: this.binary, folder: this.folder, trust: this.trust, port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const buses = await Promise.all(this.connections.values());
    await Promise.all([...buses.map((bus) => bus.connection.close()), this.connection.close()]);
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
