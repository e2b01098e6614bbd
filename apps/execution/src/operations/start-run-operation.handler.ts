import { createHash } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  startRunOperation,
  type StartRunOperationReply,
  type StartRunOperationRequest,
} from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { upgradeRun } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import type { RunOperationFailure } from '@signalbox/shared/contracts/execution/run-operation.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { deleteRun } from '@signalbox/shared/contracts/execution/delete-run.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import canonicalize from 'canonicalize';
import { firstUuidOf, type Target } from '../runs/run-search.ts';
import { RunStarter } from '../runs/run-starter.ts';
import { RunStore } from '../runs/run.store.ts';
import { OperationRunner } from './operation-runner.ts';
import { OperationStore, operationView, type OperationRow } from './operation.store.ts';
import { scopeOf } from './scope.ts';

/** Runs of one operation: it takes minutes, and people may mean it. */
const runsMax = 100_000;
/** Runs that a preview shows. */
const sampleMax = 10;

@Controller()
export class StartRunOperationHandler {
  constructor(
    private readonly store: OperationStore,
    private readonly runs: RunStore,
    private readonly runner: OperationRunner,
    private readonly starter: RunStarter,
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly audit: Audit,
  ) {}

  @Handles(startRunOperation)
  async handle(@Payload() request: StartRunOperationRequest, @FromCaller() caller: Caller): Promise<StartRunOperationReply> {
    const { action, dryRun = false, from = null, note = null, idempotencyKey: key = null } = request;
    const { workspace, principal, name } = caller;
    if (action === 'delete') requirePermission(caller, deleteRun.permission);
    // What is started from now on, or was since one looked, is not meant, the forks that this makes least of all.
    const until = Math.min(now(), request.before === undefined ? Infinity : Date.parse(request.before) || 0);
    const before = firstUuidOf(until);
    const target = { ...targetOf(request), before };
    const { count, sample } = await this.runs.preview(workspace, target, runsMax + 1, sampleMax);
    const preview = { count: Math.min(count, runsMax), isMore: count > runsMax, before: new Date(until).toISOString(), sample };
    if (dryRun) return { operation: null, ...preview, ...(action === 'upgrade' && { unfit: await this.unfitOf(sample, caller) }) };
    if (preview.isMore)
      throw new Fault('limited', `more than ${runsMax} runs are meant`, 'Narrow the filter: name a workflow or a shorter time.');
    const grant_id = await this.starter.grantOf(caller);
    const operation = await this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.store.insert(tx, workspace, {
        operation_id: newUuid(),
        action,
        filter: request.filter ?? null,
        ids: target.ids === null ? null : [...target.ids],
        from,
        note,
        total: count,
        before,
        principal,
        principal_name: name,
        grant_id,
        key,
        request_hash: hashOf(request),
      });
      if (row === null) return known(await this.store.findKey(tx, principal, key ?? ''), request);
      const detail = { runs: count, ...(request.filter && { filter: request.filter }), ...(from && { from }), ...(note && { note }) };
      await this.audit.append(tx, caller, { action: `run.${action}-many`, target: `operation ${operationView(row).id}`, detail });
      return row;
    });
    this.runner.wake();
    return { operation: operationView(operation), ...preview };
  }

  /** Which of these could not go over to the present version of their workflows. */
  private async unfitOf(runs: readonly RunView[], caller: Caller): Promise<RunOperationFailure[]> {
    const looked = await Promise.all(
      runs.map(async ({ id: run }): Promise<RunOperationFailure | null> => {
        try {
          const { obstacles } = await this.bus.request(upgradeRun, { run, dryRun: true }, caller);
          const detail = obstacles.map(({ step, because }) => `${step ?? 'the run'}: ${because}`).join('; ');
          return obstacles.length === 0 ? null : { run, code: 'conflict', detail };
        } catch (thrown) {
          const { code, detail } = Fault.from(thrown);
          return { run, code, detail };
        }
      }),
    );
    return looked.filter((each) => each !== null);
  }
}

/** `invalid` for what names no runs, or both ways at once. */
function targetOf({ action, ids, filter, from }: StartRunOperationRequest): Omit<Target, 'before'> {
  if ((ids === undefined) === (filter === undefined)) {
    throw new Fault('invalid', 'either the ids of runs or a filter is needed', 'Send one of them; the filter {} means all runs.', {
      errors: [{ pointer: '/filter', detail: 'or /ids must be given, not both' }],
    });
  }
  if ((action === 'fork') !== (from !== undefined)) {
    throw new Fault('invalid', 'from belongs to fork, and fork needs it', 'Name the steps that are done again, or retry.', {
      errors: [{ pointer: '/from', detail: action === 'fork' ? 'must be given' : 'is of fork alone' }],
    });
  }
  return { filter: filter ?? {}, ids: ids?.map((id) => toUuid(id, 'run')) ?? null, scope: scopeOf(action, ids !== undefined) };
}

function known(row: OperationRow | null, request: StartRunOperationRequest): OperationRow {
  if (row !== null && row.request_hash === hashOf(request)) return row;
  throw new Fault('conflict', 'the Idempotency-Key was used for another operation', 'Use a new key for a new operation.');
}

function hashOf({ action, ids, filter, from, note, before }: StartRunOperationRequest): string {
  const text = canonicalize(JSON.parse(JSON.stringify({ action, ids, filter, from, note, before }))) as unknown as string;
  return createHash('sha256').update(text).digest('base64url');
}
