import { Injectable } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import type { QueueCause } from '../dispatch/queue-cause.ts';
import { Engine } from '../shards/engine.ts';
import type { LiveRun, RunFacts } from '../shards/live-run.ts';
import { RunStore } from './run.store.ts';
import type { LogOf, Why } from './run-view.ts';

/** A run that was asked for. */
export interface FoundRun {
  state: RunState;
  facts: RunFacts;
  live: LiveRun | undefined;
  why: Why;
  /** What was said of an attempt that is under way; undefined where its owner is not here. */
  logOf: LogOf;
  /** Why it waits for a place of a limit before it begins; undefined where its owner is not here. */
  whyEntering: () => QueueCause | undefined;
}

/** Finds runs for callers: in the owner's memory while they live, else in the journal. */
@Injectable()
export class RunFinder {
  constructor(
    private readonly engine: Engine,
    private readonly store: RunStore,
  ) {}

  /**
   * What `view` makes of a run, once all that it saw is committed. `not_found` when the workspace has none of this id.
   */
  async view<T>(workspace: string, run: string, view: (found: FoundRun) => T): Promise<T> {
    const uuid = toUuid(run, 'run');
    const whyEntering = (): QueueCause | undefined => this.engine.dispatcher.limitedRuns.why(run);
    // An owner that stood still may have a successor by now, which knows more: then the journal is asked.
    const live = this.engine.mayAct ? this.engine.owner.find(uuid) : undefined;
    if (live !== undefined && !live.isUnborn) {
      if (live.facts.workspace !== workspace) throw unknownRun(run);
      const seen = view({
        state: live.state,
        facts: live.facts,
        live,
        why: (ref) => this.engine.dispatcher.why(live, ref),
        logOf: (ref) => this.engine.dispatcher.logOf(live, ref),
        whyEntering,
      });
      const isWritten = await live.settle().then(
        () => true,
        () => false,
      );
      if (isWritten) return seen;
    }
    const read = await this.store.read(workspace, uuid);
    if (!read) throw unknownRun(run);
    return view({ ...read, live: undefined, why: () => undefined, logOf: () => undefined, whyEntering });
  }
}

/** The workspace has no run of this id. */
export function unknownRun(run: string): Fault {
  return new Fault('not_found', `there is no run ${run}`, 'Check the identifier; ended runs are kept for a limited time.');
}
