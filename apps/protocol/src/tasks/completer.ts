import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { completeTask } from '@signalbox/shared/contracts/execution/complete-task.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, currentCall, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { failureOf } from './task.ts';

const firstPauseMs = 100;
const pauseMaxMs = 5_000;
/** A result that execution has not taken after this time is given up: the attempt has long been failed for missing beats, or was superseded. */
const keepMs = 3_600_000;

/** Hands results to execution until it has them. */
@Injectable()
export class Completer {
  constructor(private readonly bus: Bus) {}

  /** Returns when the result is committed, or nobody wants it any more. `signal` ends the trying. */
  async complete(task: string, result: TaskResult, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    let sent = result;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
      try {
        await this.send(task, sent);
        return;
      } catch (thrown) {
        const { code } = Fault.from(thrown);
        if (code === 'conflict' || code === 'not_found') {
          log.info('a result is not wanted any more', { task, code });
          return;
        }
        if (code === 'invalid' && sent === result) {
          log.error('a result was refused', { task, err: thrown });
          sent = {
            error: failureOf(new Fault('internal', 'the result cannot be recorded', 'Look into the log of protocol.', { cause: thrown })),
          };
        } else log.warn('a result is not acknowledged yet', { task, code });
        if (performance.now() - began > keepMs) {
          log.error('a result was given up', { task, err: thrown });
          return;
        }
      }
      await pause(pauseMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Outside of the task's own deadline: a result is worth sending after it. */
  private send(task: string, result: TaskResult): Promise<unknown> {
    return inCall({ traceparent: currentCall()?.traceparent ?? childTraceparent() }, () =>
      this.bus.request(completeTask, { task, ...result }, 'service', { shard: shardOfTask(task) }),
    );
  }
}
