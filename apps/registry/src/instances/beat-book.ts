import { Injectable } from '@nestjs/common';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { unknownAgent } from '../agents/agent.ts';
import { AgentHealth } from '../agents/agent-health.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { afterBeat, type InstanceState } from './instance.ts';
import { InstanceStore } from './instance.store.ts';

/** Instances that one replica hears; more are written at each beat instead of in batches. */
const entriesMax = 100_000;
/** Rows of one statement. */
const batchMax = 5_000;
/** More instances of one agent at once are a loop that starts processes. */
const instancesPerAgentMax = 1_000;

interface Entry {
  id: string;
  agentId: string;
  state: InstanceState;
  /** Monotonic milliseconds of the last beat. */
  beatAt: number;
  isDirty: boolean;
}

/** The beats since they were last written: in memory, so that ten thousand instances cost a few statements a second. */
@Injectable()
export class BeatBook {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly instances: InstanceStore,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
  ) {}

  /** Takes a beat: a mere one is kept for the next batch, one that changes something is written and told before this returns. */
  async beat(caller: Caller, request: BeatInstanceRequest): Promise<{ id: string; state: InstanceState }> {
    const key = `${caller.workspace} ${request.agent} ${request.instance}`;
    const known = this.entries.get(key);
    if (known && request.skills === undefined) {
      refuseForeign(caller, known.agentId, request.agent);
      const { next, isChange } = afterBeat(known.state, request);
      if (!isChange) {
        known.state = next;
        known.beatAt = performance.now();
        known.isDirty = true;
        return { id: known.id, state: next };
      }
    }
    this.entries.delete(key);
    const entry = await this.db.inWorkspace(caller.workspace, (tx) => this.write(tx, caller, request));
    if (entry.state.status !== 'gone' && this.entries.size < entriesMax) this.entries.set(key, entry);
    return entry;
  }

  private async write(tx: EntityManager, caller: Caller, request: BeatInstanceRequest): Promise<Entry> {
    const { agent: name, instance } = request;
    const agent = await this.agents.lock(tx, name);
    if (agent === null) throw unknownAgent(name);
    refuseForeign(caller, agent.id, name);
    const row = await this.instances.find(tx, name, instance);
    if (row === null) await this.refuseNew(tx, request);
    const before = row && { status: row.status, capacity: row.capacity, inFlight: row.in_flight };
    const { next, isChange, isLost } = afterBeat(before, request);
    const id = row?.id ?? newUuid();
    if (isChange || request.skills !== undefined) {
      await this.instances.put(tx, {
        workspace: caller.workspace,
        agent: name,
        instance,
        id,
        state: next,
        isLost,
        ...(request.skills !== undefined && { skills: request.skills }),
        ...(request.status === 'gone' && { reason: request.reason ?? 'it said goodbye' }),
      });
      await this.health.refresh(tx, name);
    }
    return { id, agentId: agent.id, state: next, beatAt: performance.now(), isDirty: !isChange };
  }

  private async refuseNew(tx: EntityManager, { agent, instance, status }: BeatInstanceRequest): Promise<void> {
    if (status === 'gone') throw new Fault('not_found', `${agent} has no instance ${instance}`, 'Nothing is left to say goodbye to.');
    const { kind } = (await this.agents.find(tx, agent))!;
    if (kind !== 'worker') {
      throw new Fault('invalid', `${agent} is an agent of kind ${kind}, which has no instances`, 'Only workers beat.', {
        errors: [{ pointer: '/agent', detail: 'must be an agent of kind worker' }],
      });
    }
    if ((await this.instances.beatingCount(tx, agent)) >= instancesPerAgentMax) {
      throw new Fault('limited', `${agent} has ${instancesPerAgentMax} instances already`, 'Stop some of them first.', {
        retryAfterMs: 10_000,
      });
    }
  }

  /** Writes what came since the last time. An instance that is not there any more, or is gone, is written anew with its next beat. */
  async flush(): Promise<void> {
    const dirty = [...this.entries].filter(([, entry]) => entry.isDirty);
    for (let at = 0; at < dirty.length; at += batchMax) {
      const batch = dirty.slice(at, at + batchMax);
      const moment = performance.now();
      for (const [, entry] of batch) entry.isDirty = false;
      const beats = batch.map(([, { id, state, beatAt }]) => ({ id, inFlight: state.inFlight, ageMs: moment - beatAt }));
      const written = await this.system
        .run((tx) => this.instances.writeBeats(tx, beats))
        .catch((error: unknown) => {
          for (const [, entry] of batch) entry.isDirty = true;
          throw error;
        });
      for (const [key, entry] of batch) if (!written.has(entry.id) && this.entries.get(key) === entry) this.entries.delete(key);
    }
  }

  /** Forgets instances of an agent that were marked as gone. */
  drop(workspace: string, agent: string, instances: readonly string[]): void {
    for (const instance of instances) this.entries.delete(`${workspace} ${agent} ${instance}`);
  }
}

/** An agent's own identity speaks for that agent alone; about another it hears what a stranger hears. */
function refuseForeign(caller: Caller, agentId: string, name: string): void {
  if (caller.principal.startsWith('agent_') && caller.principal !== fromUuid('agent', agentId)) throw unknownAgent(name);
}
