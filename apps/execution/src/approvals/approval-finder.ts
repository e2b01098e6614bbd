import { Injectable } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { RunFinder, type FoundRun } from '../runs/run-finder.ts';
import { ApprovalStore } from './approval.store.ts';
import { placeOf, type ApprovalPlace } from './approval-view.ts';

/** Finds approvals for callers, in their runs: there alone is what is shown and said. */
@Injectable()
export class ApprovalFinder {
  constructor(
    private readonly store: ApprovalStore,
    private readonly runs: RunFinder,
  ) {}

  /** What `view` makes of an approval, once all that it saw is committed. `not_found` when the workspace has none of this id. */
  async view<T>(workspace: string, approval: string, view: (place: ApprovalPlace, found: FoundRun) => T): Promise<T> {
    const uuid = toUuid(approval, 'approval');
    const run = await this.store.runOf(workspace, uuid);
    if (run === null) throw unknownApproval(approval);
    return this.runs.view(workspace, fromUuid('run', run), (found) => {
      const place = placeOf(found.state, uuid);
      if (place === undefined) throw unknownApproval(approval);
      return view(place, found);
    });
  }
}

function unknownApproval(approval: string): Fault {
  return new Fault('not_found', `there is no approval ${approval}`, 'Check the identifier; approvals are kept as long as their runs.');
}
