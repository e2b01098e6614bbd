import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** Runs kept as known: a run never changes its workspace. Beyond, the oldest are asked for again. */
const knownMax = 10_000;

/** Makes sure that a run that callers name is of their workspace: nothing is tied to another's. */
@Injectable()
export class KnownRuns {
  private readonly known = new Set<string>();

  constructor(private readonly bus: Bus) {}

  /** `not_found` when the workspace has no such run. What a service says on behalf of a run that it works for is not asked about. */
  async require(caller: Caller, run: string): Promise<void> {
    const [actor] = caller.actors ?? [];
    if (actor !== undefined && actor !== 'service:api-gateway') return;
    const key = `${caller.workspace} ${run}`;
    if (this.known.has(key)) return;
    await this.bus.request(getRun, { run }, caller);
    this.known.add(key);
    if (this.known.size > knownMax)
      for (const oldest of this.known) {
        this.known.delete(oldest);
        break;
      }
  }
}
