import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { runChanged, RunChanged } from '@signalbox/shared/contracts/execution/run-changed.js';
import { endedRunStatuses } from '@signalbox/shared/contracts/execution/run-view.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { EvalStore } from './eval.store.ts';
import { EvalWatch } from './eval-watch.ts';

/** Hears of the ends of runs that are evals. */
@Controller()
export class EvalRunListener {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly evals: EvalStore,
    private readonly watch: EvalWatch,
  ) {}

  @HandlesEvent(runChanged)
  async onRun(@Payload() { id, workflow, status }: RunChanged, @Ctx() meta: EventMeta): Promise<void> {
    if (!workflow.startsWith('eval/') || !endedRunStatuses.includes(status)) return;
    if (await this.db.inWorkspace(meta.data.workspace, (tx) => this.evals.makeDue(tx, id))) this.watch.wake();
  }
}
