import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { cancelRun, type CancelRunReply, type CancelRunRequest } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { RunEvent } from '@signalbox/workflow/core/events.js';
import { Engine } from '../shards/engine.ts';
import { RunFinder } from './run-finder.ts';
import { RunStore } from './run.store.ts';
import { runView } from './run-view.ts';

@Controller()
export class CancelRunHandler {
  constructor(
    private readonly engine: Engine,
    private readonly finder: RunFinder,
    private readonly store: RunStore,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(cancelRun)
  async handle(@Payload() { run, idempotencyKey }: CancelRunRequest, @FromCaller() caller: Caller): Promise<CancelRunReply> {
    const uuid = toUuid(run, 'run');
    const { workspace, principal, name } = caller;
    const cancel: RunEvent & { type: 'cancel' } = {
      type: 'cancel',
      by: name,
      ...(idempotencyKey !== undefined && { id: `${principal} ${idempotencyKey}` }),
    };
    const look = (): Promise<CancelRunReply> => this.finder.view(workspace, run, ({ state, facts }) => runView(state, facts));
    const before = await look();
    if (before.status === 'cancelled') return before;
    refuseEnded(before);
    const live = await this.engine.find(uuid);
    // The record of who did it is written first: a cancel without one is refused.
    await this.db.inWorkspace(workspace, (tx) => this.audit.append(tx, caller, { action: 'run.cancel', target: `run ${run}` }));
    const outcome = live === undefined ? undefined : await this.engine.deliver(uuid, cancel);
    if (live === undefined) await this.store.leave(workspace, uuid, cancel);
    const view = await look();
    if (outcome !== 'taken') refuseEnded(view);
    return view;
  }
}

function refuseEnded({ status }: CancelRunReply): void {
  if (status !== 'succeeded' && status !== 'failed') return;
  throw new Fault('conflict', `the run has ${status} already`, 'Nothing is left to be cancelled.');
}
