import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listChannels, type ListChannelsReply, ListChannelsRequest } from '@signalbox/shared/contracts/registry/list-channels.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { channelView } from './channel.ts';
import { ChannelStore } from './channel.store.ts';

@Controller()
export class ListChannelsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly channels: ChannelStore,
  ) {}

  @Handles(listChannels)
  async handle(
    @Payload() { cursor, limit = pageLimitDefault, q = '' }: ListChannelsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListChannelsReply> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const words = q.toLowerCase().split(/\s+/);
    const all = (await this.db.inWorkspace(workspace, (tx) => this.channels.all(tx))).map(channelView);
    const found = all.filter(
      ({ name, description }) => name > after && words.every((word) => `${name} ${description}`.toLowerCase().includes(word)),
    );
    return pageOf(
      found.slice(0, limit + 1),
      limit,
      ({ name }) => [name],
      (channel) => channel,
    );
  }
}
