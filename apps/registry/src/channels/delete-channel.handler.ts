import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteChannel, type DeleteChannelReply, DeleteChannelRequest } from '@signalbox/shared/contracts/registry/delete-channel.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Grants } from '../notifications/grants.ts';
import { RuleStore } from '../notifications/rule.store.ts';
import { unknownChannel } from './channel.ts';
import { ChannelStore } from './channel.store.ts';

@Controller()
export class DeleteChannelHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly channels: ChannelStore,
    private readonly rules: RuleStore,
    private readonly grants: Grants,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteChannel)
  async handle(@Payload() { name }: DeleteChannelRequest, @FromCaller() caller: Caller): Promise<DeleteChannelReply> {
    const grant = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const rules = await this.rules.namesOf(tx, name);
      if (rules.length > 0) {
        const named = rules.slice(0, 5).join(', ');
        throw new Fault('conflict', `notification rules send to the channel ${name}: ${named}`, 'Change or delete them first.');
      }
      const bearer = await this.channels.delete(tx, name);
      if (bearer === null) throw unknownChannel(name);
      await this.audit.append(tx, caller, { action: 'channel.delete', target: `channel ${name}` });
      return bearer;
    });
    await this.grants.giveBack(grant);
    return { name };
  }
}
