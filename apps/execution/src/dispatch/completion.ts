import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import { isMirror, parseTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { decide } from '@signalbox/workflow/core/decide.js';
import type { AttemptRef, Failure, RunEvent } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { unitOf, type RunState } from '@signalbox/workflow/core/state.js';
import { readJournals } from '../journal/journal-reader.ts';
import { Engine } from '../shards/engine.ts';
import { AppendLost } from '../shards/live-run.ts';
import { Definitions } from '../workflows/definitions.ts';
import { PromisedAnswers } from './promised-answers.ts';
import { requireUnitOf } from './require-task.ts';

/** Records results, and knows again those that it has recorded. */
@Injectable()
export class Completion {
  private readonly promised: PromisedAnswers;

  constructor(
    private readonly engine: Engine,
    private readonly system: SystemDatabase,
    private readonly definitions: Definitions,
    bus: Bus,
  ) {
    this.promised = new PromisedAnswers(engine.agents, bus);
  }

  /**
   * Ends an attempt. Resolves when the result is committed, also when it was before: an acknowledgement that was lost is given again.
   * `conflict` when another attempt has replaced it or its run has ended; `unavailable` when nobody can tell now.
   */
  async complete(result: TaskResult & { task: string; instance?: string; isLate?: boolean }, caller: Caller | undefined): Promise<void> {
    if (isMirror(result.task)) return this.engine.dispatcher.mirrors.complete(result, caller);
    const { run, step, index, attempt } = parseTask(result.task);
    const uuid = toUuid(run, 'run');
    const live = await this.engine.find(uuid);
    if (caller) {
      if (live) requireUnitOf(live, { step, index }, caller, result.task);
      const open = this.engine.dispatcher.tasks.get(result.task);
      const isOther = open !== undefined && open.phase !== 'queued' && open.principal !== undefined && open.principal !== caller.principal;
      const isOthers = open !== undefined && open.phase !== 'queued' && open.instance !== undefined && open.instance !== result.instance;
      if (isOther || isOthers) throw replaced(result.task);
      this.engine.dispatcher.begun(result.task);
    }
    const ref = { s: step, i: index, n: attempt };
    const error = result.error === undefined ? await this.brokenPromise(uuid, ref, result) : failureOf(result.error);
    const completed: RunEvent = {
      type: 'completed',
      ...ref,
      ...(error === undefined ? { output: (result.output ?? null) as Json } : { error }),
      ...(result.usage && { usage: { ...result.usage } }),
    };
    const told = this.engine.dispatcher.tasks.get(result.task);
    if (told !== undefined && error !== undefined) this.engine.dispatcher.failovers.flush(told);
    const event: RunEvent = result.isLate === true ? { type: 'due', timer: 'start', ...ref } : completed;
    const unit = told && unitOf(told.run.state, step, index);
    const begun = unit && { at: unit.startedAt ?? told.begunAt, version: unit.version ?? told.routed };
    let outcome;
    try {
      outcome = await this.engine.deliver(uuid, event);
    } catch (cause) {
      if (!(cause instanceof AppendLost)) throw cause;
      throw new Fault('unavailable', 'another owner has taken the run', 'Send it again.', {
        cause,
        service: 'execution',
        retryAfterMs: 200,
      });
    }
    outcome ??= await this.outcomeOfEnded(uuid, event, caller);
    if (outcome === 'stale') throw replaced(result.task);
    if (told === undefined || outcome !== 'taken' || begun?.at === undefined || result.isLate === true) return;
    const isBroken = error !== undefined && result.error === undefined;
    this.engine.dispatcher.mirrors.ended(told, begun.version, {
      output: result.error === undefined ? ((result.output ?? null) as Json) : undefined,
      error: isBroken ? undefined : error,
      invalid: isBroken ? error.detail : undefined,
      usage: result.usage && { ...result.usage },
      tookMs: Math.max(0, now() - begun.at),
    });
  }

  private async brokenPromise(
    uuid: string,
    ref: AttemptRef,
    { output, isLate }: { output?: unknown; isLate?: boolean },
  ): Promise<Failure | undefined> {
    const run = this.engine.owner.find(uuid);
    return run === undefined || isLate === true ? undefined : this.promised.failureOf(run, ref, (output ?? null) as Json);
  }

  /** The run is not live here: what its journal says. */
  private async outcomeOfEnded(uuid: string, event: RunEvent, caller: Caller | undefined): Promise<'known' | 'stale'> {
    const rows: { workspace: string; definition: string; status: string }[] = await this.system.source.query(
      `SELECT workspace, definition, status FROM run WHERE run_id = $1`,
      [uuid],
    );
    const [row] = rows;
    if (!row || (caller && caller.workspace !== row.workspace)) throw new Fault('not_found', 'there is no such task', 'Drop it.');
    if (row.status === 'running') {
      throw new Fault('unavailable', 'the run has no owner at the moment', 'Send it again.', { service: 'execution', retryAfterMs: 500 });
    }
    const known = this.engine.owner.findEnded(uuid)?.state;
    const state = known ?? (await this.read(uuid, row));
    const { outcome } = decide(state, event, { at: 0, random: () => 0, newRunId: () => '', newId: () => '' });
    return outcome === 'known' ? 'known' : 'stale';
  }

  private async read(uuid: string, { workspace, definition }: { workspace: string; definition: string }): Promise<RunState> {
    const rows = (await readJournals(this.system.source, [uuid])).get(uuid) ?? [];
    const transitions = rows.flatMap((row) => row.transitions);
    return this.definitions.restore(this.system.source, workspace, uuid, definition, transitions);
  }
}

/** Text of others, as a column of text can hold it. */
function failureOf({ code, detail, next, retryAfterMs }: NonNullable<TaskResult['error']>): Failure {
  return {
    code,
    detail: detail.replaceAll('\0', ''),
    ...(next !== undefined && { next: next.replaceAll('\0', '') }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function replaced(task: string): Fault {
  return new Fault('conflict', `another attempt has replaced ${task}, or its run has ended`, 'Drop the result.');
}
