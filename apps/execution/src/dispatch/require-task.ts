import { Fault } from '@signalbox/shared/errors/fault.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { isMirror, parseTask, type TaskRef } from '@signalbox/shared/contracts/execution/task-id.js';
import type { Engine } from '../shards/engine.ts';
import type { LiveRun } from '../shards/live-run.ts';
import { targetOf } from '@signalbox/workflow/core/scope.js';
import { requireWorkerOf } from './worker-identity.ts';

/** `not_found` when the task is of another workspace's run, or of another agent than the caller works for. */
export function requireTaskOf(engine: Engine, task: string, caller: Caller): void {
  if (isMirror(task)) return engine.dispatcher.mirrors.requireOf(task, caller);
  const { run, ...ref } = parseTask(task);
  const live = engine.owner.find(toUuid(run, 'run'));
  if (live !== undefined) requireUnitOf(live, ref, caller, task);
}

/** The same of a task of this run. */
export function requireUnitOf(live: LiveRun, { step, index }: Pick<TaskRef, 'step' | 'index'>, caller: Caller, task: string): void {
  if (live.facts.workspace !== caller.workspace || live.state.graph.steps[step] === undefined) {
    throw new Fault('not_found', `there is no task ${task}`, 'Check the identifier.');
  }
  requireWorkerOf(caller, targetOf(live.state, step, index));
}
