import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, encodeCursor } from '@signalbox/shared/bus/page.js';
import { exportRun, type ExportRunReply, type ExportRunRequest } from '@signalbox/shared/contracts/execution/export-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { runFileFormat, runFileVersion, type RunFileHead } from '@signalbox/workflow/run-file/format.js';
import { Definitions } from '../workflows/definitions.ts';
import { exportPart, exportStart, type ExportPosition } from './run-export.ts';
import { unknownRun } from './run-finder.ts';

@Controller()
export class ExportRunHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly definitions: Definitions,
  ) {}

  @Handles(exportRun)
  async handle(@Payload() { run, cursor }: ExportRunRequest, @FromCaller() { workspace }: Caller): Promise<ExportRunReply> {
    const uuid = toUuid(run, 'run');
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<
        {
          workflow: string;
          definition: string;
          labels: Record<string, string>;
          principal_name: string;
          created_at: Date;
          lives: boolean;
          changed: boolean;
        }[]
      >(
        `SELECT workflow, definition, labels, principal_name, created_at, status = 'running' AS lives, standing ? 'upgradedTo' AS changed FROM run WHERE run_id = $1`,
        [uuid],
      );
      if (!row) throw unknownRun(run);
      if (row.lives) throw new Fault('conflict', 'the run has not ended', 'Wait for its end, or cancel it first.');
      const { workflow, definition: workflowHash, labels, principal_name: startedBy } = row;
      const definitionOf = (hash: string): Promise<Definition> => this.definitions.read(tx, workspace, hash);
      const { manifest } = await definitionOf(workflowHash);
      const head: RunFileHead = {
        format: runFileFormat,
        version: row.changed ? runFileVersion : 1,
        run: { id: run, workflow, workflowHash, labels, startedBy, createdAt: row.created_at.toISOString() },
        definition: manifest,
      };
      const { bytes, next } = await exportPart(tx, uuid, head, definitionOf, cursor === undefined ? exportStart : positionOf(cursor));
      return { data: bytes.toString('base64'), nextCursor: next && encodeCursor([next.place, next.lines, next.offset, next.hash]) };
    });
  }
}

/** `invalid` for what is no position of ours. */
function positionOf(cursor: string): ExportPosition {
  const [place = '', lines, offset, hash = ''] = decodeCursor(cursor, 4);
  const isOurs = /^(?:head|blob (?:[0-9a-f]{64})?|(?:event|definition) \d{1,9})$/.test(place) && /^(?:[0-9a-f]{64})?$/.test(hash);
  if (isOurs) return { place, lines: whole(lines), offset: whole(offset), hash };
  throw new Fault('invalid', 'the cursor is not one that an export gave', 'Begin again without a cursor.');
}

function whole(text: string | undefined): number {
  return Math.min(Math.max(0, Math.trunc(Number(text)) || 0), Number.MAX_SAFE_INTEGER);
}
