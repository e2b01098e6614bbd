import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  approvePromotion,
  type ApprovePromotionReply,
  ApprovePromotionRequest,
} from '@signalbox/shared/contracts/registry/approve-promotion.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { AgentStore } from '../agents/agent.store.ts';
import { dayMs } from '../evidence/evidence-row.ts';
import { evidenceDaysDefault, gatesOf } from '../gates/gate.ts';
import { approvalsFor, checkStage } from './stage-check.ts';
import { StageStore } from './stage.store.ts';
import { Stages } from './stages.ts';

/** Whoever asks, it is nobody who has approved. */
const somebodyElse = '';

@Controller()
export class ApprovePromotionHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly store: StageStore,
    private readonly stages: Stages,
  ) {}

  @Handles(approvePromotion)
  handle(@Payload() request: ApprovePromotionRequest, @FromCaller() caller: Caller): Promise<ApprovePromotionReply> {
    const { agent: name, to, reason } = request;
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      await this.agents.lock(tx, name);
      const { id, version } = await this.agents.atVersion(tx, name, request.version);
      const facts = await this.stages.factsOf(tx, { id, name }, version, somebodyElse);
      const asking = gatesOf(facts.gates, name, to).flatMap(({ spec }) => (spec.approvals ? [{ ...spec, approvals: spec.approvals }] : []));
      if (asking.length === 0) {
        throw new Fault('conflict', `no gate of ${to} asks for an approval`, `Promote it: signalbox promote ${name}@${version} --to ${to}`);
      }
      const mine = asking.filter(({ approvals }) => approvals.roles.some((role) => caller.roles.includes(role)));
      if (mine.length === 0) {
        const roles = [...new Set(asking.flatMap(({ approvals }) => approvals.roles))].join(' or ');
        throw new Fault('conflict', `an approval for ${to} counts from ${roles} alone`, 'Ask somebody who has the role.');
      }
      const days = Math.min(...mine.map(({ evidenceDays = evidenceDaysDefault }) => evidenceDays));
      const given = approvalsFor(to, facts, facts.now - days * dayMs);
      if (given.some(({ by }) => by === caller.principal)) return { action: 'unchanged', check: checkStage(to, facts) };
      await this.store.record(
        tx,
        caller,
        { id, name },
        { move: 'approved', stage: to, version, holder: facts.holders.get(to)?.version, reason },
      );
      return { action: 'approved', check: checkStage(to, await this.stages.factsOf(tx, { id, name }, version, somebodyElse)) };
    });
  }
}
