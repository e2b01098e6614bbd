import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Channel } from './channel.ts';

export class ListChannelsRequest extends PageRequest {}

export class ListChannelsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Channel) data!: Channel[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Channels in order of their names; `q` looks into name and description. */
export const listChannels = defineContract({
  subject: 'sb.registry.channel.list',
  request: ListChannelsRequest,
  reply: ListChannelsReply,
  permission: 'channels:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
