import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { noteIncident, type NoteIncidentReply, NoteIncidentRequest } from '@signalbox/shared/contracts/registry/note-incident.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { entriesMax, incidentView, IncidentStore } from './incident.store.ts';

@Controller()
export class NoteIncidentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly incidents: IncidentStore,
    private readonly audit: Audit,
  ) {}

  @Handles(noteIncident)
  handle(@Payload() { id, note }: NoteIncidentRequest, @FromCaller() caller: Caller): Promise<NoteIncidentReply> {
    const uuid = toUuid(id, 'incident');
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.incidents.lock(tx, uuid);
      if (row.entries >= entriesMax) {
        throw new Fault('limited', `the timeline of ${id} has ${entriesMax} entries`, 'Resolve it; the next fault opens another.');
      }
      const after = await this.incidents.add(tx, row, { stage: 'noted', text: note, by: caller.principal });
      await this.audit.append(tx, caller, { action: 'incident.note', target: `incident ${id}` });
      return incidentView(after);
    });
  }
}
