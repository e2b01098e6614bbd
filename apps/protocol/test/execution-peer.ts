import { acceptTask } from '@signalbox/shared/contracts/execution/accept-task.js';
import { beatTasks, type BeatTasksRequest } from '@signalbox/shared/contracts/execution/beat-tasks.js';
import { completeTask, type CompleteTaskRequest } from '@signalbox/shared/contracts/execution/complete-task.js';
import { formatTask } from '@signalbox/shared/contracts/execution/task-id.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { TestBus } from '@signalbox/testkit/test-bus.js';

/** Stands where `execution` would: says yes to tasks, hears beats, takes results. */
export class ExecutionPeer {
  readonly accepted: string[] = [];
  readonly beats: BeatTasksRequest[] = [];
  readonly completed: CompleteTaskRequest[] = [];
  /** What each of the three is answered; replaced by a test for faults. */
  onAccept: (task: string) => void = () => undefined;
  onComplete: (request: CompleteTaskRequest) => void = () => undefined;
  cancelled = new Set<string>();

  async listen(bus: TestBus): Promise<void> {
    await bus.answer(acceptTask, ({ task }) => {
      this.onAccept(task);
      this.accepted.push(task);
      return {};
    });
    await bus.answer(beatTasks, (beat) => {
      this.beats.push(beat);
      return { cancelled: beat.tasks.filter((task) => this.cancelled.has(task)) };
    });
    await bus.answer(completeTask, (request) => {
      this.onComplete(request);
      this.completed.push(request);
      return {};
    });
  }

  reset(): void {
    this.accepted.length = this.beats.length = this.completed.length = 0;
    this.cancelled.clear();
    this.onAccept = this.onComplete = () => undefined;
  }

  /** The result of a task, as soon as it is there. */
  async result(task: string, withinMs = 5_000): Promise<CompleteTaskRequest> {
    return eventually(() => this.completed.find((request) => request.task === task), `no result of ${task}`, withinMs);
  }
}

/** A task for a target, of a run of its own. */
export function taskOf(target: Partial<StartTaskRequest>): StartTaskRequest {
  const task = formatTask({ run: newId('run'), step: 1, index: -1, attempt: 1 });
  return { task, deadline: Date.now() + 20_000, idempotencyKey: `key-${task.slice(4, 30)}`, ...target };
}

/** Waits until there is something. */
export async function eventually<T>(look: () => T | undefined | false, what: string, withinMs = 5_000): Promise<T> {
  for (const until = performance.now() + withinMs; performance.now() < until;) {
    const found = look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} within ${withinMs} ms`);
}

export function gone(what: string): never {
  throw new Fault('unavailable', `${what} is away`, 'Try again.', { service: 'execution' });
}
