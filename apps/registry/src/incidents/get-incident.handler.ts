import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getIncident, type GetIncidentReply, GetIncidentRequest } from '@signalbox/shared/contracts/registry/get-incident.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { entryView, incidentView, IncidentStore } from './incident.store.ts';

@Controller()
export class GetIncidentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly incidents: IncidentStore,
  ) {}

  @Handles(getIncident)
  handle(@Payload() { id }: GetIncidentRequest, @FromCaller() { workspace }: Caller): Promise<GetIncidentReply> {
    const uuid = toUuid(id, 'incident');
    return this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.incidents.get(tx, uuid);
      const entries = await this.incidents.entries(tx, uuid);
      return { ...incidentView(row), timeline: entries.map(entryView), dropped: Math.max(0, row.entries - entries.length) };
    });
  }
}
