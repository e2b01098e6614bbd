import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { mcpServerChanged, type McpServerChanged } from '@signalbox/shared/contracts/mcp-server/events.js';
import {
  agentChanged,
  deploymentChanged,
  evalEnded,
  kpiChanged,
  stageChanged,
  type AgentChanged,
  type DeploymentChanged,
  type EvalEnded,
  type KpiChanged,
  type StageChanged,
} from '@signalbox/shared/contracts/registry/events.js';
import { incidentChanged, type IncidentChanged } from '@signalbox/shared/contracts/registry/incident-changed.js';
import { rolloutChanged, type RolloutChanged } from '@signalbox/shared/contracts/registry/rollout-changed.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { watchKey } from '../runs/run-events.ts';
import { Engine } from '../shards/engine.ts';
import type { HeardEvent } from './trigger.ts';
import { TriggerStore } from './trigger.store.ts';
import { ratePerMinuteDefault, Triggers } from './triggers.ts';

/** Hears of what happens in Signalbox, for triggers of the workspace where it happened. */
@Controller()
export class EventListener {
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly engine: Engine,
    private readonly store: TriggerStore,
    private readonly triggers: Triggers,
  ) {}

  @HandlesEvent(agentChanged)
  onAgent(@Payload() agent: AgentChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('agent.changed', agent, meta);
  }

  @HandlesEvent(deploymentChanged)
  onDeployment(@Payload() deployment: DeploymentChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('deployment.changed', deployment, meta);
  }

  @HandlesEvent(stageChanged)
  onStage(@Payload() stage: StageChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('stage.changed', stage, meta);
  }

  @HandlesEvent(rolloutChanged)
  onRollout(@Payload() rollout: RolloutChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('rollout.changed', rollout, meta);
  }

  @HandlesEvent(evalEnded)
  onEval(@Payload() ended: EvalEnded, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('eval.ended', ended, meta);
  }

  @HandlesEvent(incidentChanged)
  onIncident(@Payload() incident: IncidentChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('incident.changed', incident, meta);
  }

  @HandlesEvent(kpiChanged)
  onKpi(@Payload() kpi: KpiChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('kpi.changed', kpi, meta);
  }

  @HandlesEvent(mcpServerChanged)
  onMcpServer(@Payload() server: McpServerChanged, @Ctx() meta: EventMeta): Promise<void> {
    return this.hear('mcp-server.changed', server, meta);
  }

  private hear(type: HeardEvent, payload: object, meta: EventMeta): Promise<void> {
    if (!this.engine.events.watched.has(watchKey(meta.data.workspace, type))) return Promise.resolve();
    // One after the other, so that each is counted before the next is looked at.
    const heard = this.last.then(() => this.fire(type, payload, meta));
    this.last = heard.catch(() => undefined);
    return heard;
  }

  private async fire(type: HeardEvent, payload: object, { data: { id, workspace, at } }: EventMeta): Promise<void> {
    const event: Json = { type, data: { ...payload } as Record<string, Json>, at: new Date(at).toISOString() };
    for (const trigger of await this.store.watching(workspace, type)) {
      // The stream may hold events from before there was this trigger.
      if (at < Date.parse(trigger.view.createdAt)) continue;
      const { ratePerMinute = ratePerMinuteDefault } = trigger.manifest.spec.on.event ?? {};
      if (await this.triggers.isBusy(trigger, id, ratePerMinute)) {
        // One line, however many there are.
        const reason = `more than ${ratePerMinute} events in a minute: those beyond start nothing`;
        await this.triggers.keep(trigger.source, { key: 'busy', time: now(), outcome: 'skipped', reason });
      } else await this.triggers.fire(trigger, id, event);
    }
  }
}
