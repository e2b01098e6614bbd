import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { deleteRun } from '@signalbox/shared/contracts/execution/delete-run.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { upgradeRun } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { RunStore } from '../runs/run.store.ts';
import { OperationStore, type OperationFailure, type OperationRow } from './operation.store.ts';
import { scopeOf } from './scope.ts';

/** Runs of one step, and how many of them are worked on at once: a crash repeats one step, and other requests have room. */
const stepRuns = 32;
const atOnce = 8;
/** Steps of one operation before another has its turn. */
const turnSteps = 10;
const pollMs = 1_000;
/** Searches for the next runs that may take too long, one after the other: the claim outlasts them. */
const searchesMax = 3;
/** What asking again can cure is asked again so often. */
const triesMax = 6;
const retryMs = 250;
const retryMaxMs = 4_000;

/**
 * Does what was ordered for many runs, step by step: the runs of a step are noted before they are touched, and what became of them after. Whoever dies in between
 * is followed by another who does that step again, which changes nothing: a cancelled run stays cancelled, and a fork is known by its key.
 */
@Injectable()
export class OperationRunner implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly id = newUuid();
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private isStopped = false;

  constructor(
    private readonly bus: Bus,
    private readonly store: OperationStore,
    private readonly runs: RunStore,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), pollMs);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.working;
  }

  /** Looks for work now. */
  wake(): void {
    if (this.isStopped || this.working !== undefined) return;
    // Apart from the call that led here: its deadline is not the operation's.
    this.working = inCall({ traceparent: childTraceparent() }, () => this.workAll())
      .catch((err: unknown) => log.warn('operations on runs wait', { err }))
      .finally(() => (this.working = undefined));
  }

  private async workAll(): Promise<void> {
    while (!this.isStopped) {
      const operation = await this.store.claim(this.id);
      if (operation === null) return;
      await this.turn(operation);
    }
  }

  private async turn(operation: OperationRow): Promise<void> {
    let { open, after } = operation;
    try {
      for (let step = 0; step < turnSteps && !this.isStopped; step++) {
        if (open.length === 0) {
          const next = await this.nextOf(operation, after);
          if (next instanceof Fault) return await this.store.fail(operation, this.id, `${next.detail}. ${next.next}`);
          open = next;
          after = open.at(-1) ?? after;
          if (open.length > 0 && !(await this.store.open(operation, this.id, open, after))) return;
        }
        const failures = open.length === 0 ? [] : await this.perform(operation, open);
        if (!(await this.store.settle(operation, this.id, open.length - failures.length, failures))) return;
        open = [];
      }
    } catch (thrown) {
      // Of the database or the service of identities: the operation waits, and goes on where it was.
      log.warn('an operation on runs waits', { operation: fromUuid('runop', operation.operation_id), err: thrown });
      await sleep(pollMs);
    }
    await this.store.release(operation, this.id).catch((err: unknown) => log.debug('an operation waits for its claim to end', { err }));
  }

  /** The next runs; or why they are not found, however often one looks. */
  private async nextOf({ workspace, action, filter, ids, before }: OperationRow, after: string): Promise<string[] | Fault> {
    const target = { filter: filter ?? {}, ids, scope: scopeOf(action, ids !== null), before };
    for (let searches = 1; ; searches++) {
      try {
        return await this.runs.targets(workspace, target, after, stepRuns);
      } catch (thrown) {
        const fault = Fault.from(thrown);
        if (fault.code !== 'limited' || this.isStopped) throw thrown;
        if (searches >= searchesMax) return fault;
        await sleep(pollMs);
      }
    }
  }

  private async perform(operation: OperationRow, runs: readonly string[]): Promise<OperationFailure[]> {
    const caller = await this.callerOf(operation);
    // Who ordered it may not act any more: each of the runs says so.
    if (caller instanceof Fault) return runs.map((run) => ({ run, code: caller.code, detail: caller.detail }));
    const failures: OperationFailure[] = [];
    const left = [...runs];
    const work = async (): Promise<void> => {
      for (let run = left.shift(); run !== undefined; run = left.shift()) {
        const fault = await this.performOne(operation, run, caller);
        if (fault) failures.push({ run, code: fault.code, detail: fault.detail });
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, runs.length) }, work));
    return failures;
  }

  /** Who ordered it; or why he may not act. Rejects with what passes. */
  private async callerOf({ grant_id }: OperationRow): Promise<Caller | Fault> {
    try {
      return await this.bus.as(grant_id);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code === 'unauthenticated' || fault.code === 'forbidden' || fault.code === 'not_found') return fault;
      throw thrown;
    }
  }

  /** Returns why it could not be done. */
  private async performOne(operation: OperationRow, uuid: string, caller: Caller): Promise<Fault | undefined> {
    for (let tries = 1, pause = retryMs; ; tries++, pause = Math.min(retryMaxMs, pause * 2)) {
      try {
        await this.act(operation, uuid, caller);
        return undefined;
      } catch (thrown) {
        const fault = Fault.from(thrown);
        if (fault.code === 'internal') log.error('an operation failed on a run', { run: uuid, err: thrown });
        const isPassing = fault.code === 'unavailable' || fault.code === 'timeout' || fault.retryAfterMs !== undefined;
        if (!isPassing || tries >= triesMax || this.isStopped) {
          if (isPassing && this.isStopped) throw thrown; // who comes next does it
          return fault;
        }
        await sleep(Math.max(pause, Math.min(retryMaxMs, fault.retryAfterMs ?? 0)));
      }
    }
  }

  private async act({ workspace, operation_id, action, from_steps, note }: OperationRow, uuid: string, caller: Caller): Promise<void> {
    const run = fromUuid('run', uuid);
    if (action === 'cancel') await this.bus.request(cancelRun, { run }, caller);
    else if (action === 'upgrade') await this.bus.request(upgradeRun, { run }, caller);
    else if (action === 'delete') await this.delete(run, caller);
    else if (action === 'dismiss') await this.runs.resolve(workspace, uuid, 'dismissed', note);
    else {
      const idempotencyKey = `${fromUuid('runop', operation_id)} ${run}`;
      await this.bus.request(forkRun, { run, idempotencyKey, ...(from_steps && { from: from_steps }) }, caller);
    }
  }

  /** One that went with the run that had started it is gone, as was asked for. */
  private async delete(run: string, caller: Caller): Promise<void> {
    try {
      await this.bus.request(deleteRun, { run }, caller);
    } catch (thrown) {
      if (Fault.from(thrown).code !== 'not_found') throw thrown;
    }
  }
}
