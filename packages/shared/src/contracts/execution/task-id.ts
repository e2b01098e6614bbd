import { hash } from 'node:crypto';
import { Fault } from '../../errors/fault.ts';
import { toUuid } from '../../ids/ids.ts';

/** The shard of a run, by its UUID: its last byte, which is chance in a UUIDv7. */
export function shardOfUuid(uuid: string): number {
  return Number.parseInt(uuid.slice(-2), 16);
}

/** The shard of a run (`run_…`): requests about it go to `sb.execution.shard.<n>.…`. */
export function shardOfRun(run: string): number {
  return shardOfUuid(toUuid(run, 'run'));
}

/** The shard of an approval (`approval_…`): its run's. */
export function shardOfApproval(approval: string): number {
  return shardOfUuid(toUuid(approval, 'approval'));
}

/** One attempt of one task, as its identifier says. */
export interface TaskRef {
  /** `run_…` */
  run: string;
  /** The step's number in its workflow. */
  step: number;
  /** The item's number, -1 where the step has no items. */
  index: number;
  attempt: number;
}

/**
 * What a task's identifier looks like, for `@Matches`: `run_….<step>.<item>.<attempt>`, `x` where there are no items; `.mirror` behind that of a call that is
 * mirrored to a version which is rolled out.
 */
export const taskPattern = /^run_[0-7][0-9a-hjkmnp-tv-z]{25}\.\d{1,4}\.(?:\d{1,6}|x)\.\d{1,6}(?:\.mirror)?$/;

/** What has a place of a limit or waits for one, for `@Matches`: a task, or a run as a whole by its own identifier. */
export const placePattern = /^run_[0-7][0-9a-hjkmnp-tv-z]{25}(?:\.\d{1,4}\.(?:\d{1,6}|x)\.\d{1,6}(?:\.mirror)?)?$/;

/** The run that has a place, or whose task has it. */
export function runOfPlace(place: string): string {
  return place.split('.', 1)[0] as string;
}

/** The shard of that run. */
export function shardOfPlace(place: string): number {
  return shardOfRun(runOfPlace(place));
}

/** The identifier of one attempt of a task. */
export function formatTask({ run, step, index, attempt }: TaskRef): string {
  return `${run}.${step}.${index < 0 ? 'x' : index}.${attempt}`;
}

const mirrorEnding = '.mirror';

/** The identifier of the same call to a version that is rolled out. */
export function mirrorOf(task: string): string {
  return `${task}${mirrorEnding}`;
}

/** Whether a task is a mirrored call: nothing of its run depends on it. */
export function isMirror(task: string): boolean {
  return task.endsWith(mirrorEnding);
}

/** What a task's identifier names. `not_found` when it is none. */
export function parseTask(task: string): TaskRef {
  const [run = '', step = '', index = '', attempt = ''] = task.split('.');
  if (!taskPattern.test(task)) throw new Fault('not_found', `there is no task ${task.slice(0, 80)}`, 'Check the identifier.');
  return { run, step: Number(step), index: index === 'x' ? -1 : Number(index), attempt: Number(attempt) };
}

/** The shard that a task's accepting, beating and completing goes to. */
export function shardOfTask(task: string): number {
  return shardOfRun(parseTask(task).run);
}

/**
 * The same for every attempt of a step or item: a target that keeps it does the work once. Derived, so that it tells nothing.
 */
export function idempotencyKeyOf({ run, step, index }: Omit<TaskRef, 'attempt'>): string {
  return hash('sha256', `${run}.${step}.${index}`, 'base64url').slice(0, 32);
}
