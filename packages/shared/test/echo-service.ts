import { Controller, Module, type DynamicModule } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { IsInt, IsOptional, IsString, Max, MaxLength } from 'class-validator';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import type { BusCall } from '../src/bus/bus-call.ts';
import type { EventMeta } from '../src/bus/event-meta.ts';
import { defineContract, defineEvent } from '../src/bus/contract.ts';
import { FromCall, FromService, Handles, HandlesEvent } from '../src/bus/handles.ts';
import { ServiceConfig } from '../src/config/service-config.ts';
import { getSigningKeys } from '../src/contracts/security/get-signing-keys.ts';
import { issueIdentity, IssueIdentityRequest, type IssueIdentityReply } from '../src/contracts/security/issue-identity.ts';
import { Fault } from '../src/errors/fault.ts';
import { FromCaller, type Caller } from '../src/identity/caller.ts';
import { ServiceModule } from '../src/service/service-module.ts';

class EchoRequest {
  @IsString() @MaxLength(100_000) text!: string;
  @IsOptional() @IsInt() @Max(10_000) waitMs?: number;
  @IsOptional() @IsString() fail?: string;
}

class EchoReply {
  @IsString() text!: string;
  @IsString() by!: string;
  @IsOptional() @IsString() workspace?: string;
}

const base = { request: EchoRequest, reply: EchoReply, timeoutMs: 500, maxBytes: 10_000, callers: ['context', 'registry'] as const };
export const echo = defineContract({
  ...base,
  subject: 'sb.context.echo.say',
  permission: 'state:write',
  idempotent: true,
  errors: ['conflict'],
});
export const echoOnce = defineContract({ ...base, subject: 'sb.context.echo.once', permission: 'state:write', idempotent: false });
export const echoService = defineContract({
  ...base,
  subject: 'sb.context.echo.service',
  permission: 'none',
  idempotent: true,
  identity: 'service',
});
export const echoShard = defineContract({
  ...base,
  subject: 'sb.context.shard.*.echo',
  permission: 'state:write',
  idempotent: true,
  shard: true,
});
export const nobodyHome = defineContract({ ...base, subject: 'sb.protocol.echo.say', permission: 'state:write', idempotent: true });
export const nobodyOnce = defineContract({ ...base, subject: 'sb.protocol.echo.once', permission: 'state:write', idempotent: false });
export const startedOnce = defineContract({ ...base, subject: 'sb.execution.echo.once', permission: 'state:write', idempotent: false });

class Said {
  @IsString() text!: string;
}
export const saidLive = defineEvent({ subject: 'sb.live.context.echo.said', payload: Said });
export const saidDurable = defineEvent({ subject: 'sb.event.context.echo.said', payload: Said, listeners: ['context'] });

/** What the handlers saw, for tests to look at. */
export const seen: { aborted: number; live: string[]; durable: string[]; failures: number } = {
  aborted: 0,
  live: [],
  durable: [],
  failures: 0,
};

@Controller()
class EchoHandler {
  @Handles(echo)
  async echo(@Payload() { text, waitMs, fail }: EchoRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<EchoReply> {
    if (fail === 'fault') throw new Fault('conflict', 'it is taken', 'Take another.');
    if (fail === 'bug') throw new Error('secret inside');
    if (fail === 'reply') return { text: 42 as never, by: 'x' };
    if (waitMs) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        call.signal.addEventListener('abort', () => {
          seen.aborted++;
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return { text, by: caller.name, workspace: caller.workspace };
  }

  @Handles(echoService)
  service(@Payload() { text }: EchoRequest, @FromService() service: string): EchoReply {
    return { text, by: service };
  }

  @Handles(echoShard)
  shard(@Payload() { text }: EchoRequest, @FromCall() call: BusCall): EchoReply {
    return { text, by: call.subject };
  }

  @HandlesEvent(saidLive)
  live(@Payload() said: Said): void {
    seen.live.push(said.text);
  }

  @HandlesEvent(saidDurable)
  durable(@Payload() said: Said, @Ctx() meta: EventMeta): void {
    if (said.text === 'twice' && seen.failures++ === 0) throw new Error('not now');
    seen.durable.push(`${said.text} ${meta.data.entity}@${meta.data.version}`);
  }
}

/** Stands where `security` would: signs identities with a key of the test. */
export class TestIssuer {
  private constructor(
    private readonly privateKey: CryptoKey,
    readonly jwk: Record<string, unknown>,
  ) {}

  static async create(kid = 'test'): Promise<TestIssuer> {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    return new TestIssuer(privateKey, { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA' });
  }

  sign(claims: Record<string, unknown>, options: { audience?: string; expires?: string | number; kid?: string } = {}): Promise<string> {
    return new SignJWT({ workspace: '018f0000-0000-7000-8000-000000000001', name: 'ann', roles: ['operator'], scopes: [], ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: options.kid ?? String(this.jwk['kid']) })
      .setIssuer('signalbox')
      .setSubject('user_1')
      .setAudience(options.audience ?? 'context')
      .setExpirationTime(options.expires ?? '60s')
      .sign(this.privateKey);
  }
}

/** The echo service, with the two contracts of `security` that it needs answered by the test. */
export function echoModule(natsUrl: string): DynamicModule {
  const config = new ServiceConfig();
  config.natsUrl = natsUrl;
  @Module({})
  class EchoModule {}
  return { module: EchoModule, imports: [ServiceModule.forRoot({ name: 'context', config })], controllers: [EchoHandler] };
}

/** Answers `getSigningKeys` and `issueIdentity` as `security` does. */
export function securityController(issuer: TestIssuer): new () => object {
  @Controller()
  class SecurityStandIn {
    @Handles(getSigningKeys)
    keys(): { keys: Record<string, unknown>[] } {
      return { keys: [issuer.jwk] };
    }

    @Handles(issueIdentity)
    async issue(@Payload() { audience, credential }: IssueIdentityRequest): Promise<IssueIdentityReply> {
      if (credential === 'revoked') throw new Fault('unauthenticated', 'the credential is not valid', 'Use another.');
      const [, workspace] = credential.split('@');
      return {
        token: await issuer.sign({}, { audience }),
        expiresAt: Date.now() + 60_000,
        workspace: workspace ?? '018f0000-0000-7000-8000-000000000001',
        principal: 'user_1',
        name: 'ann',
        roles: ['operator'],
        scopes: [],
        credentialId: `key_${credential}`,
      };
    }
  }
  return SecurityStandIn;
}
