import { IsInt, IsString, MaxLength } from 'class-validator';
import { defineContract } from '@signalbox/shared/bus/contract.js';

export class EchoRequest {
  @IsString() @MaxLength(1_000) text!: string;
  @IsInt() count!: number;
}

export class EchoReply {
  @IsString() text!: string;
  @IsInt() count!: number;
}

/** The least that a contract can be: what it costs is the bus. */
export const echo = defineContract({
  subject: 'sb.context.echo.say',
  request: EchoRequest,
  reply: EchoReply,
  permission: 'state:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 10_000,
  idempotent: true,
});

export const bareSubject = 'bare.echo';
