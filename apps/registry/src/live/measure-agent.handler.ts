import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { measureAgent, type MeasureAgentReply, MeasureAgentRequest } from '@signalbox/shared/contracts/registry/measure-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { evidenceView } from '../evidence/evidence-row.ts';
import { LiveEvidence } from './live-evidence.ts';

/** Asked for again so soon, what was measured is as new as it needs to be: a version has room for so many pieces only. */
const freshMs = 60_000;

@Controller()
export class MeasureAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly evidence: LiveEvidence,
  ) {}

  @Handles(measureAgent)
  async handle(@Payload() request: MeasureAgentRequest, @FromCaller() caller: Caller): Promise<MeasureAgentReply> {
    const at = now();
    const { added, lacks } = await this.db.inWorkspace(caller.workspace, (tx) => this.evidence.measure(tx, caller, request, freshMs, at));
    return { added: added.map((row) => evidenceView(row, request.agent, at)), lacks };
  }
}
