import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  startDeployment,
  type PlannedAgent,
  type StartDeploymentReply,
  StartDeploymentRequest,
} from '@signalbox/shared/contracts/registry/start-deployment.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { BringUp } from '../bring-up/bring-up.ts';
import { RegisteredAgents } from '../bring-up/registered-agents.ts';
import { ProcessStore } from '../runners/process.store.ts';
import { Boards, deploymentView, type Stand } from './boards.ts';
import { unknownDeployment } from './deployment.ts';
import { DeploymentLog } from './deployment-log.ts';
import { DeploymentStore } from './deployment.store.ts';
import { MemberStore } from './member.store.ts';
import { agentNames, registeredName } from './plan.ts';
import { isOutdated, startPlan, type StartFact } from './start-plan.ts';

@Controller()
export class StartDeploymentHandler {
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

  @Handles(startDeployment)
  async handle(@Payload() { name, dryRun = false }: StartDeploymentRequest, @FromCaller() caller: Caller): Promise<StartDeploymentReply> {
    const planned = await this.db.inWorkspace(caller.workspace, (tx) => this.plan(tx, name));
    if (dryRun) return { plan: planned.plan, resource: deploymentView(planned.stand) };
    if (!planned.stand.row.started && planned.stand.row.bearer !== null) {
      throw new Fault('conflict', `the deployment ${name} is still being stopped`, 'Start it again in a moment.', { retryAfterMs: 1_000 });
    }
    const { grant } = await this.bus.request(createGrant, { purpose: `deployment ${name}` }, caller);
    const { reply, replaced } = await this.db.inWorkspace(caller.workspace, (tx) => this.start(tx, name, grant, caller));
    if (replaced !== null) {
      await this.bus
        .request(revokeGrant, { grant: replaced }, 'service')
        .catch((err: unknown) => log.warn('the grant of an earlier start was not given back', { deployment: name, err }));
    }
    this.bringUp.poke();
    return reply;
  }

  private async start(
    tx: EntityManager,
    name: string,
    grant: string,
    caller: Caller,
  ): Promise<{ reply: StartDeploymentReply; replaced: string | null }> {
    const before = await this.deployments.find(tx, name, { lock: true });
    if (before === null) throw unknownDeployment(name);
    const { plan, stand, facts } = await this.plan(tx, name);
    // What failed is tried again, what runs an older version is brought up anew; what is well stays.
    const agents = stand.plan.agents.filter(({ kind }) => kind === 'agent');
    const again = agents.filter(({ agent }) => isOutdated(facts.get(agent))).map((agent) => agent.name);
    await tx.query(`DELETE FROM deployment_step WHERE deployment = $1 AND source <> 'reported' AND (state = 'failed' OR agent = ANY($2))`, [
      before.id,
      again,
    ]);
    await this.members.accept(tx, before.id);
    const hashes = Object.fromEntries(agents.flatMap(({ name: own, agent }) => (facts.has(agent) ? [[own, facts.get(agent)!.hash]] : [])));
    const row = await this.deployments.start(tx, name, grant, caller.principal, hashes);
    const started = await this.log.tell(tx, row, stand.facts.infrastructure, { change: 'started' });
    await this.audit.append(tx, caller, {
      action: 'deployment.start',
      target: `deployment ${name}`,
      detail: { version: row.version, hash: row.hash },
    });
    return { reply: { plan, resource: deploymentView(started) }, replaced: before.bearer };
  }

  private async plan(tx: EntityManager, name: string): Promise<{ plan: PlannedAgent[]; stand: Stand; facts: Map<string, StartFact> }> {
    const row = await this.deployments.find(tx, name);
    if (row === null) throw unknownDeployment(name);
    const stand = await this.boards.one(tx, row);
    const registered = await this.agents.byName(tx, agentNames(stand.plan));
    const sharing = await this.deployments.sharing(tx, name, [...new Set(stand.plan.agents.map(registeredName))]);
    const processes = await this.processes.of(tx, row.id);
    const facts = new Map<string, StartFact>();
    for (const [agent, { spec, hash, inFlight }] of registered) {
      const running = processes.filter((process) => process.registered_agent === agent).map((process) => process.hash);
      facts.set(agent, { kind: spec.kind, hash, ...(spec.worker && { worker: spec.worker }), running, inFlight });
    }
    const board = new Map(stand.board.agents.map((agent) => [agent.name, agent]));
    return { plan: startPlan(stand.plan, board, facts, sharing), stand, facts };
  }
}
