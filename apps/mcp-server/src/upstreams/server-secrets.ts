import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { keepHeadersOut } from '@signalbox/shared/secrets/live-secrets.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { McpServerSpec } from '../manifests/manifest.ts';
import { secretNamesOf } from '../manifests/secret-names.ts';

/** Reads the secrets of servers when these are started, by a grant of who applied them. */
@Injectable()
export class ServerSecrets {
  constructor(
    private readonly bus: Bus,
    private readonly secrets: SecretReader,
  ) {}

  /** A grant to read by later; null: the server is given no secret. */
  async grant(name: string, spec: McpServerSpec, caller: Caller): Promise<string | null> {
    if (secretNamesOf(spec).length === 0) return null;
    return (await this.bus.request(createGrant, { purpose: `mcp-server ${name}` }, caller)).grant;
  }

  /** Gives a grant back that is used no more. */
  async giveBack(name: string, grant: string | null): Promise<void> {
    if (grant === null) return;
    await this.bus
      .request(revokeGrant, { grant }, 'service')
      .catch((err: unknown) => log.warn('the grant of an MCP server was not given back', { server: name, err }));
  }

  /** The specification to start by: with the values of its secrets. `invalid` where one is missing. */
  async fill(spec: McpServerSpec, grant: string | null): Promise<McpServerSpec> {
    if (secretNamesOf(spec).length === 0) {
      if (spec.transport === 'streamable-http') keepHeadersOut(spec.headers ?? {});
      return spec;
    }
    const caller = await this.callerOf(grant);
    if (spec.transport === 'stdio') return { ...spec, env: await this.secrets.fillAll(caller, spec.env ?? {}) };
    return { ...spec, headers: await this.secrets.fillHeaders(caller, spec.headers ?? {}) };
  }

  /** A value has changed: whoever reads it next asks anew. */
  forget(): void {
    this.secrets.forget();
  }

  private async callerOf(grant: string | null): Promise<Caller> {
    try {
      if (grant !== null) return await this.bus.as(grant);
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'unauthenticated') throw thrown;
    }
    throw new Fault(
      'invalid',
      'its secrets cannot be read: who applied it has no rights here any more, so apply it again',
      'Apply it again as somebody who may use secrets.',
    );
  }
}
