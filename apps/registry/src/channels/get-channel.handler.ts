import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getChannel, type GetChannelReply, GetChannelRequest } from '@signalbox/shared/contracts/registry/get-channel.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { channelView, unknownChannel } from './channel.ts';
import { ChannelStore } from './channel.store.ts';

@Controller()
export class GetChannelHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly channels: ChannelStore,
  ) {}

  @Handles(getChannel)
  async handle(@Payload() { name }: GetChannelRequest, @FromCaller() { workspace }: Caller): Promise<GetChannelReply> {
    const channel = await this.db.inWorkspace(workspace, (tx) => this.channels.find(tx, name));
    if (channel === null) throw unknownChannel(name);
    return { ...channelView(channel), manifest: { ...channel.manifest } };
  }
}
