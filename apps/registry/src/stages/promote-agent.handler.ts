import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { promoteAgent, type PromoteAgentReply, PromoteAgentRequest } from '@signalbox/shared/contracts/registry/promote-agent.js';
import type { StageCheck } from '@signalbox/shared/contracts/registry/stage-check.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { itself, LiveEvidence } from '../live/live-evidence.ts';
import { liveMetrics } from '../live/live-source.ts';
import { checkStage, type StageFacts } from './stage-check.ts';
import { StageStore } from './stage.store.ts';
import { holderViews, Stages } from './stages.ts';

/** What was measured so lately is not measured anew. */
const freshMs = 3_600_000;
/** Reasons told at once; the check of the stage has all of them. */
const reasonsMax = 20;

@Controller()
export class PromoteAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly store: StageStore,
    private readonly stages: Stages,
    private readonly live: LiveEvidence,
  ) {}

  @Handles(promoteAgent)
  async handle(@Payload() request: PromoteAgentRequest, @FromCaller() caller: Caller): Promise<PromoteAgentReply> {
    const reply = await this.db.inWorkspace(caller.workspace, (tx) => this.promote(tx, request, caller));
    // Only now: that it was refused is in the audit.
    if (reply.action === 'refused' && request.dryRun !== true) throw refusal(request, reply.check);
    return reply;
  }

  private async promote(tx: EntityManager, request: PromoteAgentRequest, caller: Caller): Promise<PromoteAgentReply> {
    const { agent: name, to, reason, dryRun = false } = request;
    await this.agents.lock(tx, name);
    const { id, version } = await this.agents.atVersion(tx, name, request.version);
    const asked = async (): Promise<{ facts: StageFacts; check: StageCheck }> => {
      const facts = await this.stages.factsOf(tx, { id, name }, version, caller.principal);
      return { facts, check: checkStage(to, facts) };
    };
    let { facts, check } = await asked();
    if (!dryRun && lacksLive(check)) {
      await this.live.measure(tx, { workspace: caller.workspace, ...itself }, { agent: name, version }, freshMs, now());
      ({ facts, check } = await asked());
    }
    const reply = (action: PromoteAgentReply['action']): PromoteAgentReply => ({ action, check, holders: holderViews(facts.holders) });
    if (check.held) return reply('unchanged');
    if (!check.allowed) {
      const because = check.blockers.map((blocker) => blocker.because);
      if (!dryRun) await this.store.recordRefusal(tx, caller, name, to, version, because);
      return reply('refused');
    }
    if (dryRun) return reply('promoted');
    await this.store.hold(tx, caller, id, to, version);
    await this.store.record(tx, caller, { id, name }, { move: 'promoted', stage: to, version, holder: version, reason });
    return { action: 'promoted', check: { ...check, held: true }, holders: holderViews(await this.store.holders(tx, id)) };
  }
}

/** Whether something is not there that the registry can measure by itself. */
function lacksLive({ gates }: StageCheck): boolean {
  return gates.some(({ metrics }) =>
    metrics.some(({ metric, standing }) => liveMetrics.has(metric) && (standing === 'missing' || standing === 'expired')),
  );
}

function refusal({ agent, version, to }: PromoteAgentRequest, { blockers }: StageCheck): Fault {
  const [first] = blockers;
  const more = blockers.length > 1 ? `, and ${blockers.length - 1} more` : '';
  return new Fault('conflict', `version ${version} of ${agent} cannot get to ${to}: ${first!.because}${more}`, first!.next, {
    errors: blockers.slice(0, reasonsMax).map(({ because, next }) => ({ pointer: '/to', detail: `${because}. ${next}` })),
  });
}
