import { hash } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { resolveStep, type ResolveStepReply, type ResolveStepRequest } from '@signalbox/shared/contracts/execution/resolve-step.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { RunEvent } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { unitOf, type RunState } from '@signalbox/workflow/core/state.js';
import { Engine } from '../shards/engine.ts';
import { RunFinder } from './run-finder.ts';
import { RunStore } from './run.store.ts';
import { wholeStepView, type UnitPlace } from './run-view.ts';
import { placeOf } from './step-place.ts';

@Controller()
export class ResolveStepHandler {
  constructor(
    private readonly engine: Engine,
    private readonly finder: RunFinder,
    private readonly store: RunStore,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(resolveStep)
  async handle(@Payload() request: ResolveStepRequest, @FromCaller() caller: Caller): Promise<ResolveStepReply> {
    const { run, key, action, output = null, idempotencyKey } = request;
    const { workspace, principal, name } = caller;
    if (action !== 'output' && request.output !== undefined) {
      throw new Fault('invalid', 'an output is given with the action output alone', 'Leave it out, or say output.', {
        errors: [{ pointer: '/output', detail: `is not for ${action}` }],
      });
    }
    const said = hash('sha256', JSON.stringify([key, action, output])).slice(0, 16);
    const id = idempotencyKey === undefined ? newUuid() : `${principal} ${idempotencyKey} ${said}`;
    const look = (): Promise<{ place: UnitPlace; isKnown: boolean }> =>
      this.finder.view(workspace, run, ({ state }) => {
        const place = placeOf(state, key);
        if (!place) throw new Fault('not_found', `the run has no step ${key}`, 'Look at the steps of the run.');
        return { place, isKnown: isKnown(state, place, key, id) };
      });
    const { place, isKnown: wasKnown } = await look();
    if (!wasKnown) {
      // The record of who said it is written first: a word without one is refused.
      await this.db.inWorkspace(workspace, (tx) =>
        this.audit.append(tx, caller, { action: 'run.resolve', target: `run ${run}`, detail: { step: key, action } }),
      );
      const how = action === 'output' ? { how: action, output: output as Json } : { how: action };
      const event: RunEvent & { type: 'resolve' } = { type: 'resolve', id, by: name, ...place, ...how };
      const uuid = toUuid(run, 'run');
      const outcome = await this.engine.deliver(uuid, event);
      const isTaken = outcome === undefined ? await this.store.leave(workspace, uuid, event) : outcome !== 'stale';
      if (!isTaken) await look(); // says why it was not taken, unless the same word was
    }
    return this.finder.view(workspace, run, ({ state, why, logOf }) => wholeStepView(state, place, why, logOf));
  }
}

/** Whether it was said before. `conflict` when the step does not wait for a person's word. */
function isKnown(state: RunState, { s, i }: UnitPlace, key: string, id: string): boolean {
  const unit = unitOf(state, s, i);
  if (unit?.resolved === id) return true;
  if (unit?.crash !== undefined) return false;
  throw new Fault(
    'conflict',
    `the step ${key} does not wait for a person’s word`,
    'Only a step with onCrash: ask whose executor was lost does.',
  );
}
