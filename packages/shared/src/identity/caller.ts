import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ServiceName } from '../bus/contract.ts';
import { Fault } from '../errors/fault.ts';
import { allows, type Role } from './roles.ts';

/** Gives a signed identity for one service: audience, at most 60 s. */
export type TokenSource = (audience: ServiceName) => Promise<string>;

/** Who acts: proven by a signed identity, or by the credential that the gateway traded for one. */
export interface Caller {
  /** UUID of the workspace; everything that the caller sees is in it. */
  readonly workspace: string;
  /** `user_…`, `sa_…` or `agent_…`. */
  readonly principal: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** What the key narrows its roles to, as `runs:read`; empty: all that the roles allow. */
  readonly scopes: readonly string[];
  /** `key_…`, `sess_…` or `grant_…`: what revocations name. */
  readonly credentialId?: string;
  /** In a service: those that the call came through, the last first, as `service:api-gateway`. */
  readonly actors?: readonly string[];
  readonly tokenFor: TokenSource;
}

/** The permission of what everybody who is known may do, whatever the role and scopes. */
export const anyCaller = 'any';

/** Whether the caller may do it. */
export function may(caller: Pick<Caller, 'roles' | 'scopes'>, permission: string): boolean {
  return permission === anyCaller || allows(caller.roles, caller.scopes, permission);
}

/** Throws `forbidden`, naming the permission, when the caller may not do it. */
export function requirePermission(caller: Pick<Caller, 'roles' | 'scopes'>, permission: string): void {
  if (may(caller, permission)) return;
  throw new Fault('forbidden', `this needs the permission ${permission}`, 'Use a key whose role and scopes allow it.');
}

/** Where transports leave the caller: the bus's call context and the gateway's request both have this field. */
interface HasCaller {
  caller?: Caller;
}

/** The caller of this operation, in handlers and in routes. */
export const FromCaller = createParamDecorator((_: unknown, host: ExecutionContext): Caller => {
  const source: HasCaller = host.getType() === 'http' ? host.switchToHttp().getRequest() : host.switchToRpc().getContext();
  if (!source.caller) throw new Error('FromCaller is used where no caller is known: the contract is not of identity `caller`');
  return source.caller;
});
