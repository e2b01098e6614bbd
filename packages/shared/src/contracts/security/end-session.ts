import { IsBoolean, IsString, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class EndSessionRequest {
  /** What the cookie holds. */
  @IsString() @MaxLength(512) session!: string;
}

export class EndSessionReply {
  /** False: there was none, or it had ended. */
  @IsBoolean() ended!: boolean;
}

/** Signs out. */
export const endSession = defineContract({
  subject: 'sb.security.session.end',
  request: EndSessionRequest,
  reply: EndSessionReply,
  permission: 'none',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  identity: 'service',
});
