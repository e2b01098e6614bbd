import { IsInt, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

export class CreateSessionRequest {
  /** The API key that signs in. */
  @IsString() @MaxLength(512) key!: string;
}

export class CreateSessionReply {
  @Matches(idPattern('sess')) id!: string;
  /** What the cookie holds: 256 bits; only their hash is stored. */
  @IsString() session!: string;
  /** Epoch milliseconds after which it ends in any case. */
  @IsInt() expiresAt!: number;
}

/** Trades a key for a browser session with the key's rights: it ends after 30 min without use, 12 h at most, and with its key. */
export const createSession = defineContract({
  subject: 'sb.security.session.create',
  request: CreateSessionRequest,
  reply: CreateSessionReply,
  permission: 'none',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: false,
  identity: 'service',
});
