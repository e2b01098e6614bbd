import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { reportStep, type ReportStepReply, ReportStepRequest } from '@signalbox/shared/contracts/registry/report-step.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { EntityManager } from 'typeorm';
import { BringUp } from '../bring-up/bring-up.ts';
import { changesBetween } from '../manifests/changes.ts';
import { Boards } from './boards.ts';
import { reportableStep, stepView, unknownDeployment } from './deployment.ts';
import { DeploymentLog } from './deployment-log.ts';
import { DeploymentStore } from './deployment.store.ts';
import { pendingStep, stepKey, type InfrastructureFact, type StepFact } from './facts.ts';
import { planOf, registeredName } from './plan.ts';
import { StepStore } from './step.store.ts';

@Controller()
export class ReportStepHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly steps: StepStore,
    private readonly boards: Boards,
    private readonly log: DeploymentLog,
    private readonly audit: Audit,
    private readonly bringUp: BringUp,
  ) {}

  @Handles(reportStep)
  async handle(@Payload() report: ReportStepRequest, @FromCaller() caller: Caller): Promise<ReportStepReply> {
    const { services } = await this.boards.lookAt(caller.workspace, report.deployment);
    const reply = await this.db.inWorkspace(caller.workspace, (tx) => this.report(tx, report, caller, services));
    this.bringUp.poke();
    return reply;
  }

  private async report(
    tx: EntityManager,
    report: ReportStepRequest,
    caller: Caller,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<ReportStepReply> {
    const { deployment, agent, step, state, note, dryRun = false } = report;

    const row = await this.deployments.find(tx, deployment, { lock: true });
    if (row === null) throw unknownDeployment(deployment);
    const plan = planOf(row.manifest);
    const planned = reportableStep(plan, agent, step);
    const before = (await this.steps.of(tx, [row.id])).get(row.id)!.get(stepKey(agent, step));
    const next: StepFact = { state, fraction: state === 'done' ? 1 : 0, ...(note !== undefined && { note }), by: caller.principal };
    const changes = changesBetween(reported(before), reported(next));
    const action = changes.length === 0 ? 'unchanged' : before === undefined ? 'created' : 'updated';
    if (action === 'unchanged' || dryRun) {
      return { action, changes, resource: stepView(agent, planned, action === 'unchanged' ? (before ?? pendingStep) : next) };
    }
    const registered = registeredName(plan.agents.find((candidate) => candidate.name === agent)!);
    const write = {
      agent,
      step,
      source: planned.source,
      state,
      fraction: next.fraction,
      ...(note !== undefined && { note }),
      by: caller.principal,
    };
    const fact = await this.log.moveStep(tx, row, registered, write, services);
    await this.audit.append(tx, caller, {
      action: 'step.report',
      target: `deployment ${deployment}`,
      detail: { agent, step, state, ...(before && { before: before.state }) },
    });
    return { action, changes, resource: stepView(agent, planned, fact) };
  }
}

/** What a report says, for comparison. */
function reported(fact: StepFact | undefined): Record<string, unknown> {
  return fact === undefined ? {} : { state: fact.state, ...(fact.note !== undefined && { note: fact.note }) };
}
