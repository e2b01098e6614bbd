import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { approvalChanged, ApprovalChanged } from '@signalbox/shared/contracts/execution/approval-changed.js';
import { workflowScaled, WorkflowScaled } from '@signalbox/shared/contracts/execution/workflow-scaled.js';
import {
  agentChanged,
  AgentChanged,
  deploymentChanged,
  DeploymentChanged,
  kpiChanged,
  KpiChanged,
  stageChanged,
  StageChanged,
} from '@signalbox/shared/contracts/registry/events.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { incidentChanged, IncidentChanged } from '@signalbox/shared/contracts/registry/incident-changed.js';
import {
  noticeOfAgent,
  noticeOfApproval,
  noticeOfDeployment,
  noticeOfIncident,
  noticeOfKpi,
  noticeOfStage,
  noticeOfWorkflow,
  type Notice,
} from './notice.ts';
import { Notifier } from './notifier.ts';

/** Older events are no news any more: a registry that comes back after a long time does not tell all that was. */
const newsMs = 86_400_000;

/** Hears what people may want to be told of. */
@Controller()
export class NoticeListener {
  constructor(private readonly notifier: Notifier) {}

  @HandlesEvent(incidentChanged)
  onIncident(@Payload() payload: IncidentChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfIncident(payload, meta.data.at));
  }

  @HandlesEvent(stageChanged)
  onStage(@Payload() payload: StageChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfStage(payload, meta.data.at));
  }

  @HandlesEvent(deploymentChanged)
  onDeployment(@Payload() payload: DeploymentChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfDeployment(payload, meta.data.at));
  }

  @HandlesEvent(agentChanged)
  onAgent(@Payload() payload: AgentChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfAgent(payload, meta.data.at));
  }

  @HandlesEvent(approvalChanged)
  onApproval(@Payload() payload: ApprovalChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfApproval(payload, meta.data.version));
  }

  @HandlesEvent(workflowScaled)
  onWorkflow(@Payload() payload: WorkflowScaled, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfWorkflow(payload, meta.data.at));
  }

  @HandlesEvent(kpiChanged)
  onKpi(@Payload() payload: KpiChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.tell(meta, noticeOfKpi(payload, meta.data.at));
  }

  private async tell({ data: { workspace, id, at } }: EventMeta, notice: Notice | null): Promise<void> {
    if (notice === null || at < now() - newsMs) return;
    await this.notifier.tell(workspace, id, notice);
  }
}
