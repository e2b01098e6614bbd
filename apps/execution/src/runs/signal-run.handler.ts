import { hash } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { signalRun, type SignalRunReply, type SignalRunRequest } from '@signalbox/shared/contracts/execution/signal-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { RunEvent } from '@signalbox/workflow/core/events.js';
import { bounds } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { hasEnded, type RunState } from '@signalbox/workflow/core/state.js';
import { Engine } from '../shards/engine.ts';
import { RunFinder } from './run-finder.ts';
import { RunStore } from './run.store.ts';
import { runView } from './run-view.ts';

type Signal = RunEvent & { type: 'signal' };

@Controller()
export class SignalRunHandler {
  constructor(
    private readonly engine: Engine,
    private readonly finder: RunFinder,
    private readonly store: RunStore,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(signalRun)
  async handle(@Payload() request: SignalRunRequest, @FromCaller() caller: Caller): Promise<SignalRunReply> {
    const { run, name, data = null, idempotencyKey } = request;
    const { workspace, principal } = caller;
    const uuid = toUuid(run, 'run');
    const signal: Signal = {
      type: 'signal',
      id: idempotencyKey === undefined ? newUuid() : `${principal} ${idempotencyKey}`,
      hash: hash('sha256', JSON.stringify([name, data])).slice(0, 16),
      name,
      data: data as Json,
    };
    const isKept = (): Promise<boolean> => this.finder.view(workspace, run, ({ state }) => isKnown(state, signal));
    if (!(await isKept())) {
      // The record of who sent it is written first: a signal without one is refused.
      await this.db.inWorkspace(workspace, (tx) =>
        this.audit.append(tx, caller, { action: 'run.signal', target: `run ${run}`, detail: { signal: name } }),
      );
      if (!(await this.give(workspace, uuid, signal))) await isKept(); // says why it was not taken, unless the same one was
    }
    return this.finder.view(workspace, run, ({ state, facts }) => runView(state, facts));
  }

  /** False: nobody took it. */
  private async give(workspace: string, uuid: string, signal: Signal): Promise<boolean> {
    const outcome = await this.engine.deliver(uuid, signal);
    return outcome === undefined ? this.store.leave(workspace, uuid, signal) : outcome !== 'stale';
  }
}

/** Whether it was kept before. `conflict` for another with its id, and when the run has ended; `limited` when the run takes no more. */
function isKnown(state: RunState, { id, hash: said }: Signal): boolean {
  const before = state.signals.ids.get(id);
  if (before !== undefined && before !== said)
    throw new Fault('conflict', 'the Idempotency-Key was used for another signal of this run', 'Use a new key for each signal.');
  if (before !== undefined) return true;
  if (hasEnded(state)) throw ended();
  if (state.signals.ids.size >= bounds.signals)
    throw new Fault('limited', `a run takes ${bounds.signals} signals`, 'Start another run, or send fewer signals with more data.');
  return false;
}

function ended(): Fault {
  return new Fault('conflict', 'the run has ended', 'Nothing waits for a signal any more.');
}
