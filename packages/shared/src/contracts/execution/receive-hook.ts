import { IsBase64, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { firingOutcomes, type FiringOutcome } from './schedule-view.ts';

/** The largest body that a hook takes, in bytes. */
export const hookMaxBytes = 256 * 1024;

export class ReceiveHookRequest {
  @Matches(idPattern('hook')) hook!: string;

  /** The bytes as they came, base64: they are what was signed. */
  @IsBase64() @MaxLength(Math.ceil(hookMaxBytes / 3) * 4) body!: string;

  /** `X-Signalbox-Signature` or `X-Hub-Signature-256`. */
  @IsOptional() @IsString() @MaxLength(200) signature?: string;

  /** `X-Signalbox-Delivery` or `X-GitHub-Delivery`: the same again is the same run. */
  @IsOptional() @IsString() @MaxLength(200) delivery?: string;

  /** `X-GitHub-Event`, or what else says what happened. */
  @IsOptional() @IsString() @MaxLength(200) event?: string;
}

export class ReceiveHookReply {
  @IsIn(firingOutcomes) outcome!: FiringOutcome;
  /** Why nothing was started. */
  @IsOptional() @IsString() reason!: string | null;
  @IsOptional() @Matches(idPattern('run')) run!: string | null;
}

/**
 * What somebody outside posted to a hook. The signature says who: `unauthenticated` where there is no such hook or it is wrong, whichever.
 * `conflict` while the trigger is paused, `limited` beyond its rate.
 */
export const receiveHook = defineContract({
  subject: 'sb.execution.hook.receive',
  request: ReceiveHookRequest,
  reply: ReceiveHookReply,
  permission: 'none',
  callers: ['api-gateway'],
  timeoutMs: 15_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  identity: 'service',
  errors: ['conflict', 'limited'],
});
