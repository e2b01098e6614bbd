import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { PlannedAgent } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { BringUp } from '../bring-up/bring-up.ts';
import { RegisteredAgents } from '../bring-up/registered-agents.ts';
import { ProcessStore } from '../runners/process.store.ts';
import { Boards, type Stand } from './boards.ts';
import { unknownDeployment } from './deployment.ts';
import { DeploymentLog } from './deployment-log.ts';
import { DeploymentStore } from './deployment.store.ts';
import type { InfrastructureFact } from './facts.ts';
import { MemberStore } from './member.store.ts';
import { agentNames, registeredName } from './plan.ts';
import { isOutdated, startPlan, type StartFact } from './start-plan.ts';

/** What a start does, and what it was planned from. */
export interface Start {
  plan: PlannedAgent[];
  stand: Stand;
  /** By the name of the registered agent. */
  facts: Map<string, StartFact>;
  /** Other deployments that have it too, by its registered name. */
  sharing: Map<string, string[]>;
}

/** Why a deployment is started: what the audit says of it, and whose steps are made again though they did not fail. */
export interface StartOrder {
  action: string;
  again: readonly string[];
  detail: Record<string, unknown>;
}

/** Plans and starts deployments. */
@Injectable()
export class Starting {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly members: MemberStore,
    private readonly agents: RegisteredAgents,
    private readonly processes: ProcessStore,
    private readonly log: DeploymentLog,
    private readonly audit: Audit,
    private readonly bringUp: BringUp,
  ) {}

  /** Starts it with the rights of the caller. `conflict` while it is still being stopped. */
  async start(name: string, caller: Caller, order: StartOrder): Promise<Pick<Start, 'plan' | 'stand'>> {
    const { row, services } = await this.boards.lookAt(caller.workspace, name);
    if (!row.started && row.bearer !== null) {
      throw new Fault('conflict', `the deployment ${name} is still being stopped`, 'Start it again in a moment.', { retryAfterMs: 1_000 });
    }
    const { grant } = await this.bus.request(createGrant, { purpose: `deployment ${name}` }, caller);
    const { replaced, ...started } = await this.db.inWorkspace(caller.workspace, (tx) =>
      this.write(tx, name, grant, caller, order, services),
    );
    if (replaced !== null) {
      await this.bus
        .request(revokeGrant, { grant: replaced }, 'service')
        .catch((err: unknown) => log.warn('the grant of an earlier start was not given back', { deployment: name, err }));
    }
    this.bringUp.poke();
    return started;
  }

  async plan(tx: EntityManager, name: string, services: ReadonlyMap<string, InfrastructureFact>): Promise<Start> {
    const row = await this.deployments.find(tx, name);
    if (row === null) throw unknownDeployment(name);
    const stand = await this.boards.one(tx, row, services);
    const registered = await this.agents.byName(tx, agentNames(stand.plan));
    const sharing = await this.deployments.sharing(tx, name, [...new Set(stand.plan.agents.map(registeredName))]);
    const processes = await this.processes.of(tx, row.id);
    const facts = new Map<string, StartFact>();
    for (const [agent, { spec, hash, inFlight }] of registered) {
      const running = processes.filter((process) => process.registered_agent === agent).map((process) => process.hash);
      facts.set(agent, { kind: spec.kind, hash, ...(spec.worker && { worker: spec.worker }), running, inFlight });
    }
    const board = new Map(stand.board.agents.map((agent) => [agent.name, agent]));
    return { plan: startPlan(stand.plan, board, facts, sharing), stand, facts, sharing };
  }

  private async write(
    tx: EntityManager,
    name: string,
    grant: string,
    caller: Caller,
    { action, again, detail }: StartOrder,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<Pick<Start, 'plan' | 'stand'> & { replaced: string | null }> {
    const before = await this.deployments.find(tx, name, { lock: true });
    if (before === null) throw unknownDeployment(name);
    const { plan, stand, facts } = await this.plan(tx, name, services);
    const agents = stand.plan.agents.filter(({ kind }) => kind === 'agent');
    // What failed is tried again, what runs an older version is brought up anew; what is well stays.
    const outdated = agents.filter(({ agent }) => isOutdated(facts.get(agent))).map((agent) => agent.name);
    await tx.query(`DELETE FROM deployment_step WHERE deployment = $1 AND source <> 'reported' AND (state = 'failed' OR agent = ANY($2))`, [
      before.id,
      [...outdated, ...again],
    ]);
    // What keeps its steps keeps what they were made for too, so that a change since then is still seen.
    await this.members.accept(tx, before.id, before.started ? again : undefined);
    const renewed = new Set([...outdated, ...again]);
    const hashes = agents.flatMap(({ name: own, agent }): [string, string][] => {
      const kept = before.started && !renewed.has(own) ? before.agent_hashes[own] : undefined;
      const hash = kept ?? facts.get(agent)?.hash;
      return hash === undefined ? [] : [[own, hash]];
    });
    const row = await this.deployments.start(tx, name, grant, caller.principal, Object.fromEntries(hashes));
    const started = await this.log.tell(tx, row, stand.facts.infrastructure, { change: 'started' });
    await this.audit.append(tx, caller, {
      action,
      target: `deployment ${name}`,
      detail: { version: row.version, hash: row.hash, ...detail },
    });
    return { plan, stand: started, replaced: before.bearer };
  }
}
