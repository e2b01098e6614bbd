import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { applyChannel, type ApplyChannelReply, ApplyChannelRequest } from '@signalbox/shared/contracts/registry/apply-channel.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { nextVersion } from '../agents/agent.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import type { ChannelManifest } from '../manifests/manifest.ts';
import { Grants } from '../notifications/grants.ts';
import { channelView, parseChannelManifest, type AppliedChannel } from './channel.ts';
import { ChannelStore } from './channel.store.ts';

const channelsMax = 100;

interface Decided {
  current: AppliedChannel | null;
  reply: ApplyChannelReply;
}

@Controller()
export class ApplyChannelHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly channels: ChannelStore,
    private readonly grants: Grants,
    private readonly audit: Audit,
  ) {}

  @Handles(applyChannel)
  async handle(@Payload() request: ApplyChannelRequest, @FromCaller() caller: Caller): Promise<ApplyChannelReply> {
    const manifest = parseChannelManifest(request.name, request.manifest);
    const current = await this.db.inWorkspace(caller.workspace, (tx) => this.channels.find(tx, request.name));
    // The same again is a change where its secrets are read as another from now on, or a paused one goes on.
    const isStale =
      current !== null &&
      (current.appliedBy !== caller.name || current.pausedReason !== null || !(await this.grants.lives(current.bearer)));
    const planned = await this.db.inWorkspace(caller.workspace, (tx) => this.decide(tx, manifest, request, caller, isStale));
    if (request.dryRun === true || planned.reply.action === 'unchanged') return planned.reply;
    const grant = await this.grants.make(caller, `channel ${request.name}`);
    let replaced: string | null = grant;
    try {
      return await this.db.inWorkspace(caller.workspace, async (tx) => {
        const { current, reply } = await this.decide(tx, manifest, request, caller, isStale);
        const channel = await this.channels.put(tx, caller.workspace, manifest, reply.resource.version, contentHash(manifest), {
          bearer: grant,
          name: caller.name,
        });
        if (channel === null)
          throw new Fault('conflict', `the channel ${request.name} was changed by somebody else just now`, 'Apply it again.');
        replaced = current?.bearer ?? null;
        await this.audit.append(tx, caller, {
          action: 'channel.apply',
          target: `channel ${request.name}`,
          detail: { version: channel.version, hash: channel.hash, changed: reply.changes.map(({ path }) => path) },
        });
        return { ...reply, resource: channelView(channel) };
      });
    } catch (thrown) {
      replaced = grant;
      throw thrown;
    } finally {
      await this.grants.giveBack(replaced);
    }
  }

  private async decide(
    tx: EntityManager,
    manifest: ChannelManifest,
    request: ApplyChannelRequest,
    caller: Caller,
    isStale: boolean,
  ): Promise<Decided> {
    const { name, expectedVersion } = request;
    const hash = contentHash(manifest);
    const all = await this.channels.all(tx);
    const current = all.find((channel) => channel.manifest.metadata.name === name) ?? null;
    const { action: change, version } = nextVersion(`the channel ${name}`, current, hash, expectedVersion);
    const action = change === 'unchanged' && isStale ? 'updated' : change;
    if (action === 'unchanged') return { current, reply: { action, changes: [], resource: channelView(current!) } };
    if (current === null && all.length >= channelsMax) {
      throw new Fault('limited', `a workspace has at most ${channelsMax} channels`, 'Delete those that nobody needs.');
    }
    const resource = channelView({
      ...{ manifest, version, hash, bearer: '', appliedBy: caller.name, pausedReason: null },
      ...{ lastSentAt: current?.lastSentAt ?? null, lastFailure: current?.lastFailure ?? null, updatedAt: new Date(now()) },
    });
    return { current, reply: { action, changes: changesBetween(current?.manifest ?? {}, manifest), resource } };
  }
}
