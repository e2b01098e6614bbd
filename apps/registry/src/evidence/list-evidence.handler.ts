import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { listEvidence, type ListEvidenceReply, ListEvidenceRequest } from '@signalbox/shared/contracts/registry/list-evidence.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { unknownAgent } from '../agents/agent.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { evidenceView } from './evidence-row.ts';
import { EvidenceStore } from './evidence.store.ts';

/** Evidence of one page together: a message holds 512 KiB. */
const pageBytesMax = 384 * 1024;

@Controller()
export class ListEvidenceHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly evidence: EvidenceStore,
  ) {}

  @Handles(listEvidence)
  handle(@Payload() request: ListEvidenceRequest, @FromCaller() { workspace }: Caller): Promise<ListEvidenceReply> {
    const { agent: name, limit = pageLimitDefault } = request;
    return this.db.inWorkspace(workspace, async (tx) => {
      const agent = await this.agents.find(tx, name);
      if (agent === null) throw unknownAgent(name);
      const rows = await this.evidence.list(tx, agent.id, request);
      const data = [];
      let bytes = 0;
      for (const row of rows.slice(0, limit)) {
        const view = evidenceView(row, name, now());
        bytes += Buffer.byteLength(JSON.stringify(view));
        if (data.length > 0 && bytes > pageBytesMax) break;
        data.push(view);
      }
      return { data, nextCursor: rows.length > data.length ? encodeCursor([data.at(-1)!.id]) : null };
    });
  }
}
