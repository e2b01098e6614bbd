import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  applyNotificationRule,
  type ApplyNotificationRuleReply,
  ApplyNotificationRuleRequest,
} from '@signalbox/shared/contracts/registry/apply-notification-rule.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { nextVersion } from '../agents/agent.ts';
import { ChannelStore } from '../channels/channel.store.ts';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import type { NotificationRuleManifest } from '../manifests/manifest.ts';
import { invalidManifest } from '../manifests/parse-manifest.ts';
import { Grants } from './grants.ts';
import { nextOf, parseRuleManifest, ruleView } from './rule.ts';
import { RuleStore } from './rule.store.ts';

/** Each event is held against all of them. */
const rulesMax = 100;

interface Decided {
  bearer: string | null;
  nextAt: number | null;
  reply: ApplyNotificationRuleReply;
}

@Controller()
export class ApplyNotificationRuleHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly rules: RuleStore,
    private readonly channels: ChannelStore,
    private readonly grants: Grants,
    private readonly audit: Audit,
  ) {}

  @Handles(applyNotificationRule)
  async handle(@Payload() request: ApplyNotificationRuleRequest, @FromCaller() caller: Caller): Promise<ApplyNotificationRuleReply> {
    const manifest = parseRuleManifest(request.name, request.manifest);
    const current = await this.db.inWorkspace(caller.workspace, (tx) => this.rules.find(tx, request.name));
    // The same again is a change where it reads as another from now on.
    const isStale = current !== null && (current.appliedBy !== caller.name || !(await this.grants.lives(current.bearer)));
    const planned = await this.db.inWorkspace(caller.workspace, (tx) => this.decide(tx, manifest, request, caller, isStale));
    if (request.dryRun === true || planned.reply.action === 'unchanged') return planned.reply;
    const grant = await this.grants.make(caller, `notification rule ${request.name}`);
    let replaced: string | null = grant;
    try {
      return await this.db.inWorkspace(caller.workspace, async (tx) => {
        const { bearer, nextAt, reply } = await this.decide(tx, manifest, request, caller, isStale);
        const by = { bearer: grant, name: caller.name };
        const rule = await this.rules.put(tx, caller.workspace, manifest, reply.resource.version, contentHash(manifest), by, nextAt);
        if (rule === null) {
          throw new Fault('conflict', `the notification rule ${request.name} was changed by somebody else just now`, 'Apply it again.');
        }
        replaced = bearer;
        await this.audit.append(tx, caller, {
          action: 'notification-rule.apply',
          target: `notification rule ${request.name}`,
          detail: { version: rule.version, hash: rule.hash, changed: reply.changes.map(({ path }) => path) },
        });
        return { ...reply, resource: ruleView(rule) };
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
    manifest: NotificationRuleManifest,
    request: ApplyNotificationRuleRequest,
    caller: Caller,
    isStale: boolean,
  ): Promise<Decided> {
    const { name, expectedVersion } = request;
    const hash = contentHash(manifest);
    const current = await this.rules.find(tx, name);
    const { action: change, version } = nextVersion(`the notification rule ${name}`, current, hash, expectedVersion);
    const action = change === 'unchanged' && isStale ? 'updated' : change;
    if (action === 'unchanged')
      return { bearer: current!.bearer, nextAt: null, reply: { action, changes: [], resource: ruleView(current!) } };
    if (current === null && (await this.rules.all(tx)).length >= rulesMax) {
      throw new Fault(
        'limited',
        `a workspace has at most ${rulesMax} notification rules`,
        'Delete those that nobody needs, or put them together.',
      );
    }
    const known = new Set((await this.channels.all(tx)).map((channel) => channel.manifest.metadata.name));
    const unknown = manifest.spec.channels.flatMap((channel, index) =>
      known.has(channel) ? [] : [{ pointer: `/spec/channels/${index}`, detail: `there is no channel ${channel}: apply it first` }],
    );
    if (unknown.length > 0) throw invalidManifest('NotificationRule', unknown);
    const at = now();
    const nextAt = nextOf(manifest.spec, at);
    const resource = ruleView({
      ...{ manifest, version, hash, appliedBy: caller.name },
      ...{ nextAt: nextAt === null ? null : new Date(nextAt), updatedAt: new Date(at) },
    });
    return {
      bearer: current?.bearer ?? null,
      nextAt,
      reply: { action, changes: changesBetween(current?.manifest ?? {}, manifest), resource },
    };
  }
}
