import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { runsDeleted, RunsDeleted } from '@signalbox/shared/contracts/execution/runs-deleted.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ArtifactStore } from './artifact.store.ts';

/** Artifacts go with the runs that made them. */
@Controller()
export class RunsDeletedListener {
  constructor(private readonly store: ArtifactStore) {}

  @HandlesEvent(runsDeleted)
  async onDeleted(@Payload() { runs }: RunsDeleted, @Ctx() meta: EventMeta): Promise<void> {
    await this.store.deleteOf(
      meta.data.workspace,
      runs.map((run) => toUuid(run, 'run')),
    );
  }
}
