import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listObjectives, type ListObjectivesReply, ListObjectivesRequest } from '@signalbox/shared/contracts/registry/list-objectives.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { objectiveView, type AppliedObjective } from './objective.ts';
import { ObjectiveStore } from './objective.store.ts';

@Controller()
export class ListObjectivesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly objectives: ObjectiveStore,
  ) {}

  @Handles(listObjectives)
  async handle(@Payload() request: ListObjectivesRequest, @FromCaller() { workspace }: Caller): Promise<ListObjectivesReply> {
    const { cursor, limit = pageLimitDefault, q = '' } = request;
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const words = q.toLowerCase().split(/\s+/);
    const applied = await this.db.inWorkspace(workspace, (tx) => this.objectives.all(tx));
    const shown = applied
      .filter((objective) => objective.manifest.metadata.name > after && words.every((word) => searched(objective).includes(word)))
      .sort((a, b) => (a.manifest.metadata.name < b.manifest.metadata.name ? -1 : 1));
    return pageOf(shown, limit, ({ manifest }) => [manifest.metadata.name], objectiveView);
  }
}

function searched({ manifest: { metadata, spec } }: AppliedObjective): string {
  return [metadata.name, metadata.description ?? '', spec.kpi, spec.agent ?? ''].join('\n').toLowerCase();
}
