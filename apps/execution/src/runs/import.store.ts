import { Injectable } from '@nestjs/common';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { agentsOf } from '@signalbox/workflow/core/graph.js';
import { problemOf, progressOf } from '@signalbox/workflow/core/progress.js';
import type { ReadRun } from '@signalbox/workflow/run-file/read.js';
import type { EntityManager } from 'typeorm';
import { encodeBody } from '../journal/body.ts';
import { dayOf } from '../journal/identifiers.ts';
import type { RunFacts } from '../shards/live-run.ts';
import { Definitions } from '../workflows/definitions.ts';
import { runView } from './run-view.ts';
import { RunStore } from './run.store.ts';

/** Transitions of one row: as many as a busy run writes at once. */
const rowTransitions = 200;

/** Keeps runs that were read from files. No owner has part in it: they have ended, and nobody else appends to them. */
@Injectable()
export class ImportStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: RunStore,
    private readonly definitions: Definitions,
    private readonly audit: Audit,
  ) {}

  /** Writes the run under `uuid`; or gives the one that the same key has written. `conflict` when that was of another file. */
  async keep(caller: Caller, uuid: string, run: ReadRun, { sha256, key }: { sha256: string; key: string | undefined }): Promise<RunView> {
    const facts = factsOf(caller, uuid, run);
    const requestHash = `import ${sha256}`;
    const known = await this.db.inWorkspace(caller.workspace, async (tx) => {
      if (key !== undefined) {
        const earlier = await takeKey(tx, caller, key, requestHash, uuid);
        if (earlier !== null) return earlier;
      }
      for (const definition of [run.definition, ...run.upgrades]) await this.definitions.store(tx, caller.workspace, definition);
      await insertRun(tx, uuid, facts, run);
      await insertTransitions(tx, uuid, facts, run.transitions);
      await this.audit.append(tx, caller, {
        action: 'run.import',
        target: `run ${fromUuid('run', uuid)}`,
        detail: { workflow: facts.workflow, hash: facts.definition, origin: run.head.id },
      });
      return null;
    });
    if (known === null) {
      this.definitions.remember(caller.workspace, run.definition.hash);
      return runView(run.state, facts);
    }
    if (known.request_hash !== requestHash) {
      throw new Fault('conflict', 'the Idempotency-Key was used for another request', 'Use a new key for a new request.');
    }
    const read = await this.store.read(caller.workspace, known.run_id);
    if (!read) throw new Fault('not_found', 'the run of this key is not kept any more', 'Use a new key.');
    return runView(read.state, read.facts);
  }
}

function factsOf({ workspace, principal, name }: Caller, uuid: string, { head, definition, state }: ReadRun): RunFacts {
  return {
    workspace,
    workflow: head.workflow,
    definition: definition.hash,
    shard: Number.parseInt(uuid.slice(-2), 16),
    labels: head.labels,
    principal,
    principalName: head.startedBy,
    grant: '',
    parent: null,
    timeoutMs: state.timeoutMs,
    createdAt: new Date(head.createdAt),
    origin: { run: head.id, importedBy: name, importedAt: new Date(now()).toISOString() },
  };
}

/** Null: the key is this run's now. */
async function takeKey(
  tx: EntityManager,
  { workspace, principal }: Caller,
  key: string,
  hash: string,
  uuid: string,
): Promise<{ run_id: string; request_hash: string } | null> {
  const [row] = await tx.query<{ run_id: string; request_hash: string }[]>(
    `INSERT INTO start_key AS k (workspace, key, request_hash, run_id, expires) VALUES ($1, $2, $3, $4, now() + interval '24 hours')
     ON CONFLICT (workspace, key) DO UPDATE
       SET request_hash = CASE WHEN k.expires < now() THEN excluded.request_hash ELSE k.request_hash END,
           run_id = CASE WHEN k.expires < now() THEN excluded.run_id ELSE k.run_id END,
           expires = CASE WHEN k.expires < now() THEN excluded.expires ELSE k.expires END
     RETURNING run_id, request_hash`,
    [workspace, `${principal} ${key}`, hash, uuid],
  );
  return row === undefined || row.run_id === uuid ? null : row;
}

/** Its failure is nobody's here to look after. */
async function insertRun(tx: EntityManager, uuid: string, facts: RunFacts, { graph, state, definition }: ReadRun): Promise<void> {
  await tx.query(
    `INSERT INTO run (run_id, day, workspace, workflow, definition, shard, labels, principal, principal_name, grant_id, timeout_ms, status, reason,
                      created_at, ended_at, error, progress, usage, agents, standing, origin, resolution, resolution_note)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, 'dismissed', 'imported')`,
    [
      uuid,
      dayOf(uuid),
      facts.workspace,
      facts.workflow,
      facts.definition,
      facts.shard,
      JSON.stringify(facts.labels),
      facts.principal,
      facts.principalName,
      Math.round(facts.timeoutMs),
      state.status,
      state.reason,
      facts.createdAt,
      new Date(state.endedAt ?? 0),
      state.error === undefined ? null : JSON.stringify(state.error),
      JSON.stringify(progressOf(state)),
      JSON.stringify(state.usage),
      agentsOf(graph),
      JSON.stringify({
        isWaiting: false,
        ...problemOf(state),
        ...(state.graph.hash !== definition.hash && { upgradedTo: state.graph.hash }),
      }),
      JSON.stringify(facts.origin),
    ],
  );
}

async function insertTransitions(
  tx: EntityManager,
  uuid: string,
  { workspace }: RunFacts,
  transitions: readonly Transition[],
): Promise<void> {
  const day = dayOf(uuid);
  for (let seq = 0; seq < transitions.length; seq += rowTransitions) {
    const row = transitions.slice(seq, seq + rowTransitions);
    const { body, blobs } = encodeBody(row);
    await tx.query(`INSERT INTO journal (run_id, seq, day, count, workspace, writer, body) VALUES ($1, $2, $3, $4, $5, 'import', $6)`, [
      uuid,
      seq,
      day,
      row.length,
      workspace,
      body,
    ]);
    for (const blob of blobs) {
      await tx.query(`INSERT INTO blob (run_id, sha256, day, workspace, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, [
        uuid,
        blob.sha256,
        day,
        workspace,
        blob.body,
      ]);
    }
  }
}
