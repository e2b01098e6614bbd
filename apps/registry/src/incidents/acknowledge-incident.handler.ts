import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  acknowledgeIncident,
  type AcknowledgeIncidentReply,
  AcknowledgeIncidentRequest,
} from '@signalbox/shared/contracts/registry/acknowledge-incident.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { incidentView, IncidentStore } from './incident.store.ts';

@Controller()
export class AcknowledgeIncidentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly incidents: IncidentStore,
    private readonly audit: Audit,
  ) {}

  @Handles(acknowledgeIncident)
  handle(@Payload() { id, note }: AcknowledgeIncidentRequest, @FromCaller() caller: Caller): Promise<AcknowledgeIncidentReply> {
    const uuid = toUuid(id, 'incident');
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.incidents.lock(tx, uuid);
      if (row.status === 'resolved') throw new Fault('conflict', `the incident ${id} is resolved`, 'Nothing is left to look after.');
      if (row.status === 'acknowledged') return incidentView(row);
      await this.incidents.acknowledge(tx, uuid, caller.principal);
      const text = note ?? `${caller.name} looks after it`;
      const after = await this.incidents.add(tx, row, { stage: 'acknowledged', text, by: caller.principal });
      await this.audit.append(tx, caller, { action: 'incident.acknowledge', target: `incident ${id}` });
      return incidentView(after);
    });
  }
}
