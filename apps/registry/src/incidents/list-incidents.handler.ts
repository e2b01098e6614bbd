import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listIncidents, type ListIncidentsReply, ListIncidentsRequest } from '@signalbox/shared/contracts/registry/list-incidents.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { incidentView, IncidentStore } from './incident.store.ts';

@Controller()
export class ListIncidentsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly incidents: IncidentStore,
  ) {}

  @Handles(listIncidents)
  async handle(@Payload() request: ListIncidentsRequest, @FromCaller() { workspace }: Caller): Promise<ListIncidentsReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.incidents.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, (row) => [fromUuid('incident', row.id)], incidentView);
  }
}
