import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { CallLife } from '@signalbox/shared/bus/call-life.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { hasEnded } from '@signalbox/workflow/core/state.js';
import { Engine } from '../shards/engine.ts';
import { RunFinder } from './run-finder.ts';
import { runView } from './run-view.ts';

/** Between looks at a run that another replica owns. */
const elsewhereMs = 250;

/** Waits with callers for the end of what they started. */
@Injectable()
export class RunEnds implements OnApplicationBootstrap {
  /** Ends the wait of each caller. */
  private readonly waits = new Set<() => void>();

  constructor(
    private readonly engine: Engine,
    private readonly finder: RunFinder,
  ) {}

  onApplicationBootstrap(): void {
    const leaveAll = (): void => this.waits.forEach((leave) => leave());
    void this.engine.draining().then((draining) => draining.addEventListener('abort', leaveAll, { once: true }));
  }

  /** The run once it has ended, or as it stands after `waitMs`, when nobody waits any more, or when the service stops. */
  async viewOf(workspace: string, uuid: string, waitMs: number, life: CallLife): Promise<RunView> {
    let isOver = false;
    let wake: () => void = () => undefined;
    const leave = (): void => {
      isOver = true;
      wake();
    };
    const timer = setTimeout(leave, waitMs);
    const forget = life.onEnd(leave);
    this.waits.add(leave);
    const until = async (listen: (done: () => void) => () => void): Promise<void> => {
      if (isOver) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const unhear = listen(resolve);
      await promise;
      unhear();
    };
    try {
      for (;;) {
        await until((done) => this.engine.owner.onEnded(uuid, done));
        const ended = this.engine.owner.findEnded(uuid);
        if (ended?.workspace === workspace) return runView(ended.state, ended.facts);
        const current = await this.finder.view(workspace, fromUuid('run', uuid), ({ state, facts }) => ({
          view: runView(state, facts),
          hasEnded: hasEnded(state),
        }));
        if (current.hasEnded || isOver) return current.view;
        // Another replica has it: a repeated key found it there, or its shard has moved.
        await until((done) => {
          const again = setTimeout(done, elsewhereMs);
          return () => clearTimeout(again);
        });
      }
    } finally {
      clearTimeout(timer);
      forget();
      this.waits.delete(leave);
    }
  }
}
