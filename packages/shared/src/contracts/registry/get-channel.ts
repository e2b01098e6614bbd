import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { Channel } from './channel.ts';

export class GetChannelRequest {
  @Matches(namePattern) name!: string;
}

export class GetChannelReply extends Channel {
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One channel with its manifest. */
export const getChannel = defineContract({
  subject: 'sb.registry.channel.get',
  request: GetChannelRequest,
  reply: GetChannelReply,
  permission: 'channels:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
