import { randomUUID } from 'node:crypto';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { CallLife } from '@signalbox/shared/bus/call-life.js';
import { acceptTask } from '@signalbox/shared/contracts/execution/accept-task.js';
import { parseTask, shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { taskDelta } from '@signalbox/shared/contracts/protocol/task-delta.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { dataWithoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { childTraceparent, currentCall, inCall, recordedSpan } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { isTracing, recordSpan } from '@signalbox/shared/telemetry/tracing.js';
import { ProtocolConfig } from '../protocol.config.ts';
import { Targets } from '../targets/targets.ts';
import { Beats } from './beats.ts';
import { Completer } from './completer.ts';
import { OutputLimit } from './output-limit.ts';
import { resultOf, UsageSum, type TaskCall } from './task.ts';
import { untilAborted } from './until-aborted.ts';

interface Running {
  request: StartTaskRequest;
  caller: Caller;
  life: CallLife;
}

/** How long execution may take to say whether a task may begin; after that it has given the task to somebody else. */
const acceptWithinMs = 15_000;
const acceptPauseMs = 250;
/** At shutdown: how long tasks may still end by themselves, and how long their results may take to be acknowledged. */
const graceMs = 3_000;
const drainMs = 4_000;

/** The tasks of this process, from their acceptance to the acknowledgement of their result. What a crash takes is lost, and not beaten for. */
@Injectable()
export class TaskRunner implements BeforeApplicationShutdown {
  /** This process's own name for itself. */
  readonly instance = `protocol-${randomUUID().slice(0, 8)}`;
  private readonly tasks = new Map<string, Running>();
  private readonly stopTrying = new AbortController();
  private isStopping = false;

  constructor(
    private readonly bus: Bus,
    private readonly config: ProtocolConfig,
    private readonly targets: Targets,
    private readonly beats: Beats,
    private readonly completer: Completer,
    private readonly outputLimit: OutputLimit,
  ) {
    beats.onCancelled((tasks) => void this.cancel(tasks));
  }

  /** Takes a task over. The same task again changes nothing. `limited`: too many are here. */
  start(request: StartTaskRequest, caller: Caller): void {
    if (this.tasks.has(request.task)) return;
    if (this.isStopping)
      throw new Fault('unavailable', 'protocol is stopping', 'Try again in a moment.', { service: 'protocol', retryAfterMs: 500 });
    if (this.tasks.size >= this.config.tasksMax) {
      throw new Fault('limited', `protocol works on ${this.config.tasksMax} tasks`, 'Try again in a moment.', { retryAfterMs: 500 });
    }
    if (request.deadline <= now()) throw new Fault('timeout', 'the deadline had passed before the work began', 'Allow more time.');
    const life = new CallLife(request.deadline);
    this.tasks.set(request.task, { request, caller, life });
    const parent = currentCall()?.traceparent;
    const traceparent = childTraceparent(parent);
    const startMs = Date.now();
    inCall({ traceparent, life, ...(request.isMirror === true && { isMirror: true }) }, () => this.run(request, caller, life.signal))
      .catch((err: unknown) => log.error('a task was dropped', { task: request.task, err }))
      .finally(() => {
        life.done();
        this.beats.remove(request.task);
        const span = isTracing() ? recordedSpan(traceparent) : undefined;
        const ends = { startMs, endMs: Date.now(), parent: recordedSpan(parent)?.id };
        if (span) recordSpan({ ...span, ...ends, name: 'task', kind: 'internal', attributes: { 'signalbox.task.id': request.task } });
        this.tasks.delete(request.task);
      });
  }

  /** Which of them are worked on here. */
  running(tasks: readonly string[]): string[] {
    return tasks.filter((task) => this.tasks.has(task));
  }

  /** Stops those that are here; their results are not sent, since nobody wants them. */
  cancel(tasks: readonly string[]): string[] {
    const here = this.running(tasks);
    for (const task of here) this.tasks.get(task)!.life.end(new Fault('cancelled', 'the task was cancelled', 'Start it again.'));
    return here;
  }

  private async run(request: StartTaskRequest, caller: Caller, signal: AbortSignal): Promise<void> {
    const { task } = request;
    if (!(await this.mayBegin(task, signal))) return;
    this.beats.add(task);
    const usage = new UsageSum();
    const call = this.callOf(request, caller, signal, usage);
    const outcome = await untilAborted(
      this.targets.perform(call).then((output) => this.outputLimit.fit(call, dataWithoutSecrets(output))),
      signal,
    ).then(
      (output) => ({ output }),
      (thrown: unknown) => ({ thrown }),
    );
    if ('thrown' in outcome) {
      const fault = Fault.from(outcome.thrown);
      if (fault.code === 'internal') log.error('a task failed by a fault of ours', { task, err: outcome.thrown });
      else log.info('a task failed', { task, code: fault.code, detail: fault.detail });
    }
    if (signal.aborted && (signal.reason as Fault).code === 'cancelled') return;
    await this.completer.complete(task, resultOf(outcome, usage.total), this.stopTrying.signal);
  }

  /** Asks execution. False: the task is another's, or nobody's any more. */
  private async mayBegin(task: string, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + acceptWithinMs;
    for (;;) {
      try {
        await this.bus.request(acceptTask, { task, instance: this.instance }, 'service', { shard: shardOfTask(task) });
        return true;
      } catch (thrown) {
        const { code } = Fault.from(thrown);
        const isWorthIt = (code === 'unavailable' || code === 'timeout') && !signal.aborted && performance.now() < until;
        if (!isWorthIt) {
          log.info('a task was not begun', { task, code });
          return false;
        }
        await new Promise((resolve) => setTimeout(resolve, acceptPauseMs));
      }
    }
  }

  private callOf(request: StartTaskRequest, caller: Caller, signal: AbortSignal, usage: UsageSum): TaskCall {
    const { task } = request;
    const ref = parseTask(task);
    const { run, attempt } = ref;
    // Nobody who follows the run hears of what is only compared.
    const isTold = request.isMirror !== true;
    return {
      id: task,
      ref,
      request,
      caller,
      signal,
      progress: (message, fraction) => {
        if (isTold) this.beats.progress(task, message, fraction);
      },
      delta: (agent, turn, offset, text) => {
        if (isTold)
          this.bus.publishLive(taskDelta, { task, run, agent, attempt, turn, offset, text }, { workspace: caller.workspace, entity: run });
      },
      use: (more) => usage.add(more),
    };
  }

  /** Takes nothing new, lets tasks end for a moment, then fails what is left, so that it is tried elsewhere at once. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.untilEmpty(graceMs);
    for (const { life } of this.tasks.values()) {
      life.end(
        new Fault('unavailable', 'protocol was stopped while it worked on the task', 'It is tried again as its retry policy says.', {
          service: 'protocol',
        }),
      );
    }
    await this.untilEmpty(drainMs);
    this.stopTrying.abort();
    this.beats.stop();
  }

  private async untilEmpty(withinMs: number): Promise<void> {
    for (let waited = 0; this.tasks.size > 0 && waited < withinMs; waited += 20) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
