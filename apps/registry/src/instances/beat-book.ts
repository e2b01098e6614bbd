import { Injectable } from '@nestjs/common';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import type { BeatInstancesRequest } from '@signalbox/shared/contracts/registry/beat-instances.js';
import { shardOfAgent } from '@signalbox/shared/contracts/registry/instance-shard.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { unknownAgent } from '../agents/agent.ts';
import { AgentHealth } from '../agents/agent-health.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { RegistryConfig } from '../registry.config.ts';
import { HeardInstances, type Heard } from './heard-instances.ts';
import { afterBeat } from './instance.ts';
import { InstanceShards } from './instance-shards.ts';
import { InstanceStore } from './instance.store.ts';

/** Instances that one replica hears: others take the rest. */
const heardMax = 200_000;
/** Rows of one statement: what is known of beats is written slowly, however many there are. */
const batchMax = 2_000;
/** More instances of one agent at once are a loop that starts processes. */
const instancesPerAgentMax = 1_000;

/** Hears beats: mere ones are kept in memory, what changes an instance is written and told. */
@Injectable()
export class BeatBook {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly instances: InstanceStore,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly heard: HeardInstances,
    private readonly shards: InstanceShards,
    private readonly config: RegistryConfig,
  ) {}

  /** Takes a beat: one that changes something is written and told before this returns. */
  async beat(caller: Caller, request: BeatInstanceRequest): Promise<Pick<Heard, 'id' | 'state'>> {
    const known = this.heard.find(caller.workspace, request.agent, request.instance);
    if (known && request.skills === undefined && request.version === undefined) {
      refuseForeign(caller, known.agentId, request.agent);
      const { next, isChange } = afterBeat(known.state, request);
      if (!isChange) {
        this.heard.beat(known, next.inFlight, performance.now());
        return known;
      }
    }
    const heard = await this.db.inWorkspace(caller.workspace, (tx) => this.write(tx, caller, request));
    if (heard.state.status === 'gone') this.forget(heard.id);
    else if (this.shards.owns(heard.shard)) this.heard.keep(heard, this.config.limitMs);
    return heard;
  }

  /** Takes mere beats of many, and answers those that are not known here. */
  beatAll({ ids, inFlight, ageMs }: BeatInstancesRequest): string[] {
    const now = performance.now();
    const unknown: string[] = [];
    for (let at = 0; at < ids.length; at++) {
      const heard = this.heard.get(ids[at]!);
      if (heard) this.heard.beat(heard, inFlight[at]!, now - ageMs[at]!);
      else unknown.push(ids[at]!);
    }
    return unknown;
  }

  private forget(id: string): void {
    const heard = this.heard.get(id);
    if (heard) this.heard.drop(heard);
  }

  private async write(tx: EntityManager, caller: Caller, request: BeatInstanceRequest): Promise<Heard> {
    const { workspace } = caller;
    const { agent: name, instance } = request;
    const agent = await this.agents.lock(tx, name);
    if (agent === null) throw unknownAgent(name);
    refuseForeign(caller, agent.id, name);
    const row = await this.instances.find(tx, name, instance);
    if (row === null) await this.refuseNew(tx, request);
    const before = row && { status: row.status, capacity: row.capacity, inFlight: row.in_flight, isDraining: row.is_draining };
    const { next, isChange, isLost } = afterBeat(before, request);
    if (row?.has_ended === true && next.status !== 'gone') {
      throw new Fault(
        'conflict',
        `the process of ${instance} has ended`,
        'Drop what it said last; a process that is started again has another name.',
      );
    }
    const id = row?.id ?? newUuid();
    let version = Number(row?.event_version ?? 0);
    let { status } = next;
    const isOther = request.version !== undefined && request.version !== row?.version;
    if (isChange || isOther || request.skills !== undefined) {
      const written = await this.instances.put(tx, {
        workspace,
        agent: name,
        instance,
        id,
        state: next,
        isLost,
        ...(request.skills !== undefined && { skills: request.skills }),
        ...(request.version !== undefined && { version: request.version }),
        ...(request.status === 'gone' && { reason: request.reason ?? 'it said goodbye' }),
      });
      version = Number(written.event_version);
      // It may have been isolated before it went.
      status = written.status;
      await this.health.refresh(tx, name);
    }
    const beatAt = performance.now();
    return {
      ...{ id: fromUuid('instance', id), uuid: id, workspace, agent: name, agentId: agent.id, instance },
      ...{
        shard: shardOfAgent(workspace, name),
        version,
        state: { ...next, status },
        beatAt,
        written: { inFlight: next.inFlight, at: beatAt },
      },
    };
  }

  private async refuseNew(tx: EntityManager, { agent, instance, status }: BeatInstanceRequest): Promise<void> {
    if (status === 'gone') throw new Fault('not_found', `${agent} has no instance ${instance}`, 'Nothing is left to say goodbye to.');
    const { kind } = (await this.agents.find(tx, agent))!;
    if (kind !== 'worker') {
      throw new Fault('invalid', `${agent} is an agent of kind ${kind}, which has no instances`, 'Only workers beat.', {
        errors: [{ pointer: '/agent', detail: 'must be an agent of kind worker' }],
      });
    }
    if (this.heard.size >= heardMax) {
      throw new Fault('limited', `this registry hears ${heardMax} instances already`, 'Start another replica of it.', {
        retryAfterMs: 10_000,
      });
    }
    if ((await this.instances.beatingCount(tx, agent)) >= instancesPerAgentMax) {
      throw new Fault('limited', `${agent} has ${instancesPerAgentMax} instances already`, 'Stop some of them first.', {
        retryAfterMs: 10_000,
      });
    }
  }

  /** Writes some of what came since the last time. An instance that is not there any more, or is gone, is written anew with its next beat. */
  async flush(): Promise<void> {
    const batch = this.heard.takeUnwritten(batchMax);
    if (batch.length === 0) return;
    const now = performance.now();
    const beats = batch.map(({ uuid, state, beatAt }) => ({ id: uuid, inFlight: state.inFlight, ageMs: now - beatAt }));
    const written = await this.system
      .run((tx) => this.instances.writeBeats(tx, beats))
      .catch((error: unknown) => {
        this.heard.putBack(batch);
        throw error;
      });
    batch.forEach((heard, at) => {
      if (written.has(heard.uuid)) heard.written = { inFlight: beats[at]!.inFlight, at: now };
      else this.heard.drop(heard);
    });
  }
}

/** An agent's own identity speaks for that agent alone; about another it hears what a stranger hears. */
function refuseForeign(caller: Caller, agentId: string, name: string): void {
  if (caller.principal.startsWith('agent_') && caller.principal !== fromUuid('agent', agentId)) throw unknownAgent(name);
}
