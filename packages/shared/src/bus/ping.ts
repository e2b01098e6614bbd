import { Allow, IsInt, IsString } from 'class-validator';
import { defineContract, serviceNames, type Contract, type ServiceName } from './contract.ts';

export class PingRequest {}

export class PingReply {
  @IsString() version!: string;
  @IsInt() uptimeS!: number;
  @IsInt() memoryBytes!: number;
  /** Each part that the service needs: `ok`, or why not. */
  @Allow() checks!: Record<string, string>;
}

function pingOf(service: ServiceName): Contract<PingRequest, PingReply> {
  return defineContract({
    subject: `sb.${service}.health.ping`,
    request: PingRequest,
    reply: PingReply,
    permission: 'none',
    callers: ['api-gateway', 'registry'],
    timeoutMs: 2_000,
    maxBytes: 64,
    idempotent: false,
    identity: 'service',
  });
}

/** One contract a service, answered by all alike: whether it lives, and how it is. */
export const ping = Object.fromEntries(serviceNames.map((service) => [service, pingOf(service)])) as Record<
  ServiceName,
  Contract<PingRequest, PingReply>
>;
