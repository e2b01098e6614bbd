import { Injectable } from '@nestjs/common';
import type { DriftItem } from '@signalbox/shared/contracts/registry/drift.js';
import type { EntityManager } from 'typeorm';
import { RegisteredAgents } from '../bring-up/registered-agents.ts';
import type { Stand } from '../deployments/boards.ts';
import { agentNames } from '../deployments/plan.ts';
import { ProcessStore } from '../runners/process.store.ts';
import { driftOf, type AgentReality } from './drift.ts';

/** More than these a person does not read, and they fit into one message. */
export const driftItemsMax = 200;

/** Reads what drift is computed from beside the board, and computes it. */
@Injectable()
export class Drifts {
  constructor(
    private readonly agents: RegisteredAgents,
    private readonly processes: ProcessStore,
  ) {}

  async of(tx: EntityManager, { row, plan, facts, board }: Stand): Promise<DriftItem[]> {
    const registered = await this.agents.byName(tx, agentNames(plan));
    const processes = await this.processes.of(tx, row.id);
    const agents = new Map<string, AgentReality>();
    for (const [name, { spec, version, hash, live }] of registered) {
      const running = new Map<string, string[]>();
      for (const process of processes.filter(({ registered_agent }) => registered_agent === name)) {
        running.set(process.agent, [...(running.get(process.agent) ?? []), process.hash]);
      }
      agents.set(name, { kind: spec.kind, version, hash, ...(spec.worker && { worker: spec.worker }), live, running });
    }
    const byName = new Map(board.agents.map((agent) => [agent.name, agent]));
    return driftOf({ started: row.started, plan, board: byName, facts, agents, baseline: row.agent_hashes });
  }
}
