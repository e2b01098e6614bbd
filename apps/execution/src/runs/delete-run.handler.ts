import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteRun, type DeleteRunReply, type DeleteRunRequest } from '@signalbox/shared/contracts/execution/delete-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { EntityManager } from 'typeorm';
import { forgetRuns } from '../journal/expiry.ts';
import { unknownRun } from './run-finder.ts';

/** A run with what its steps started goes in one transaction: more of them go part by part. */
const familyMax = 1_000;

interface Member {
  run_id: string;
  day: string;
  workflow: string;
  lives: boolean;
}

@Controller()
export class DeleteRunHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteRun)
  handle(@Payload() { run }: DeleteRunRequest, @FromCaller() caller: Caller): Promise<DeleteRunReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const family = await familyOf(tx, toUuid(run, 'run'));
      const [first] = family;
      if (first === undefined) throw unknownRun(run);
      if (family.some(({ lives }) => lives)) {
        throw new Fault('conflict', 'the run, or one that belongs to it, has not ended', 'Cancel it, and wait for its end.');
      }
      const runs = await forgetRuns(tx, family);
      const detail = { workflow: first.workflow, ...(runs > 1 && { runs }) };
      await this.audit.append(tx, caller, { action: 'run.delete', target: `run ${run}`, detail });
      return { runs };
    });
  }
}

/** A run, the one that started it where that lives, and all that it started. */
async function familyOf(tx: EntityManager, uuid: string): Promise<Member[]> {
  const members = await tx.query<Member[]>(
    `WITH RECURSIVE family AS (
       SELECT run_id FROM run WHERE run_id = $1
       UNION SELECT run.run_id FROM run JOIN family ON run.parent = family.run_id
     ) SELECT run.run_id, to_char(run.day, 'YYYY-MM-DD') AS day, run.workflow,
              run.status = 'running'
                OR EXISTS (SELECT 1 FROM run above WHERE above.run_id = run.parent AND above.status = 'running') AS lives
         FROM family JOIN run USING (run_id) ORDER BY run.run_id <> $1, run.run_id LIMIT $2`,
    [uuid, familyMax + 1],
  );
  if (members.length <= familyMax) return members;
  throw new Fault(
    'limited',
    `the run has started more than ${familyMax} others`,
    'Delete those first, by an operation on the runs of their workflow.',
  );
}
