import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { testChannel, type TestChannelReply, TestChannelRequest } from '@signalbox/shared/contracts/registry/test-channel.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { testMessage } from '../notifications/message.ts';
import { unknownChannel } from './channel.ts';
import { ChannelSender } from './channel-sender.ts';
import { ChannelStore } from './channel.store.ts';

@Controller()
export class TestChannelHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly channels: ChannelStore,
    private readonly sender: ChannelSender,
    private readonly audit: Audit,
  ) {}

  @Handles(testChannel)
  async handle(@Payload() { name }: TestChannelRequest, @FromCaller() caller: Caller): Promise<TestChannelReply> {
    const channel = await this.db.inWorkspace(caller.workspace, (tx) => this.channels.find(tx, name));
    if (channel === null) throw unknownChannel(name);
    const begun = performance.now();
    const outcome = await this.sender.send(channel, {
      ...{ id: newId('ntf'), rule: null, at: now() },
      ...{ message: testMessage(name), notices: [], events: 0 },
    });
    const tookMs = Math.round(performance.now() - begun);
    await this.db.inWorkspace(caller.workspace, async (tx) => {
      if (outcome.sent) await this.channels.sent(tx, name);
      else await this.channels.failed(tx, name, outcome.reason, outcome.isGone);
      await this.audit.append(tx, caller, { action: 'channel.test', target: `channel ${name}`, detail: { sent: outcome.sent } });
    });
    if (!outcome.sent)
      throw new Fault('unavailable', `the channel ${name} did not take it: ${outcome.reason}`, 'Look at its secrets and its receiver.');
    return { name, tookMs };
  }
}
