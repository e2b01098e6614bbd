import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  resolveIncident,
  type ResolveIncidentReply,
  ResolveIncidentRequest,
} from '@signalbox/shared/contracts/registry/resolve-incident.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { incidentView, IncidentStore } from './incident.store.ts';

@Controller()
export class ResolveIncidentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly incidents: IncidentStore,
    private readonly audit: Audit,
  ) {}

  @Handles(resolveIncident)
  handle(@Payload() { id, note }: ResolveIncidentRequest, @FromCaller() caller: Caller): Promise<ResolveIncidentReply> {
    const uuid = toUuid(id, 'incident');
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.incidents.lock(tx, uuid);
      if (row.status === 'resolved')
        throw new Fault('conflict', `the incident ${id} is resolved already`, 'Add a note if there is more to say.');
      await this.incidents.resolve(tx, uuid, caller.principal);
      const after = await this.incidents.add(tx, row, { stage: 'resolved', text: note ?? `by ${caller.name}`, by: caller.principal });
      await this.audit.append(tx, caller, { action: 'incident.resolve', target: `incident ${id}` });
      return incidentView(after);
    });
  }
}
