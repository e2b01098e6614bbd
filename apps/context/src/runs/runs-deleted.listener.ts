import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { runsDeleted, RunsDeleted } from '@signalbox/shared/contracts/execution/runs-deleted.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ArtifactStore } from '../artifacts/artifact.store.ts';
import { StateStore } from '../state/state.store.ts';

/** Artifacts go with the runs that made them, and keys with the run that was their scope. */
@Controller()
export class RunsDeletedListener {
  constructor(
    private readonly artifacts: ArtifactStore,
    private readonly state: StateStore,
  ) {}

  @HandlesEvent(runsDeleted)
  async onDeleted(@Payload() { runs }: RunsDeleted, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace } = meta.data;
    await this.state.forget(workspace, runs);
    await this.artifacts.deleteOf(
      workspace,
      runs.map((run) => toUuid(run, 'run')),
    );
  }
}
