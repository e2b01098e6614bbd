import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { addEvidence, type AddEvidenceReply, AddEvidenceRequest } from '@signalbox/shared/contracts/registry/add-evidence.js';
import { evidenceAdded } from '@signalbox/shared/contracts/registry/events.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { AgentStore } from '../agents/agent.store.ts';
import { evidenceView } from './evidence-row.ts';
import { EvidenceStore } from './evidence.store.ts';
import { readEvidence } from './read-evidence.ts';

@Controller()
export class AddEvidenceHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly evidence: EvidenceStore,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  @Handles(addEvidence)
  handle(@Payload() request: AddEvidenceRequest, @FromCaller() caller: Caller): Promise<AddEvidenceReply> {
    const { agent, format } = request;
    const read = readEvidence(request);
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const { id, version } = await this.agents.atVersion(tx, agent, request.version);
      await this.evidence.requireRoom(tx, agent, { id, version });
      const row = await this.evidence.insert(tx, caller, { agent: id, version, format }, read);
      const view = evidenceView(row, agent, now());
      await this.outbox.append(tx, evidenceAdded, {
        workspace: caller.workspace,
        entity: row.id,
        version: 1,
        payload: { id: view.id, agent, agentVersion: version, source: read.source },
      });
      await this.audit.append(tx, caller, {
        action: 'evidence.add',
        target: `agent ${agent}`,
        detail: { version, evidence: view.id, format, source: read.source, hash: read.hash },
      });
      return view;
    });
  }
}
