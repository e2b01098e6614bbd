import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { releaseRun, type ReleaseRunReply, type ReleaseRunRequest } from '@signalbox/shared/contracts/execution/release-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Engine } from '../shards/engine.ts';
import { RunFinder } from './run-finder.ts';
import { runView } from './run-view.ts';

@Controller()
export class ReleaseRunHandler {
  constructor(
    private readonly engine: Engine,
    private readonly finder: RunFinder,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(releaseRun)
  async handle(@Payload() { run, action }: ReleaseRunRequest, @FromCaller() caller: Caller): Promise<ReleaseRunReply> {
    const { workspace, name } = caller;
    const isAside = await this.finder.view(workspace, run, ({ state }) => state.quarantine !== undefined);
    if (!isAside) throw notAside();
    // The record of who said it is written first: a word without one is refused.
    await this.db.inWorkspace(workspace, (tx) =>
      this.audit.append(tx, caller, { action: 'run.release', target: `run ${run}`, detail: { action } }),
    );
    const type = action === 'go-on' ? 'release' : 'abandon';
    if (!(await this.engine.releaseRun(toUuid(run, 'run'), { type, by: name }))) throw notAside();
    return this.finder.view(workspace, run, ({ state, facts }) => runView(state, facts));
  }
}

function notAside(): Fault {
  return new Fault('conflict', 'the run is not set aside', 'Only a run that waits for the reason quarantined has to be released.');
}
