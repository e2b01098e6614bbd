import { heldBackTarget } from '@signalbox/shared/contracts/protocol/breaker.js';
import type { CauseKind, PlaceHolder } from '@signalbox/shared/contracts/execution/why-run.js';
import { shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { parseTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import type { AgentQueue } from './agent-queue.ts';
import type { CalledTurns } from './called-turns.ts';
import type { OpenTask } from './open-task.ts';
import { isActive, queueKeyOf, type QueuedTask } from './queued-task.ts';

/** Of more holders than this the oldest are named. */
export const holdersMax = 10;

/** What keeps a queued attempt from beginning. */
export interface QueueCause {
  kind: CauseKind;
  /** `agent:<name>`, `tool:<server>/<tool>`, `model:<name>`, `service:context`, or `limit:<name>` with `/<key>`. */
  on: string;
  because: string;
  next: string | null;
  /** When it is over by itself at the latest, ISO 8601. */
  until?: string | null;
  /** Who has the places that it waits for. */
  holders: () => PlaceHolder[];
  /** Another replica keeps the queue, and knows more: the shard to ask, the task to ask for, and what all tasks with the same answer share. */
  elsewhere?: { shard: number; task: string; alike: string; limit?: string };
}

/** What a task of a queue waits for that another replica keeps. */
export function causeElsewhere(task: QueuedTask): QueueCause {
  const key = queueKeyOf(task);
  return {
    kind: 'handing-over',
    on: onOf(task),
    because: 'it waits for a place, which another replica of execution gives out',
    next: null,
    holders: () => [],
    elsewhere: { shard: shardOfQueue(key), task: task.id, alike: `${key} ${task.skill ?? ''} ${task.version ?? ''}` },
  };
}

function onOf({ kind, target }: QueuedTask): string {
  return kind === 'artifact' || kind === 'state' ? 'service:context' : `${kind}:${target}`;
}

/** Why a task is not under way. `tasks`: all in queues that are kept here, among which are those that hold the places. */
export function queueCause(task: QueuedTask, queue: AgentQueue, turns: CalledTurns, tasks: () => Iterable<QueuedTask>): QueueCause {
  const { target, because } = task;
  const on = onOf(task);
  const none = (): PlaceHolder[] => [];
  const cause = (kind: CauseKind, text: string, next: string | null, holders = none): QueueCause => ({
    kind,
    on,
    because: text,
    next,
    holders,
  });
  if (task.again === 'waits') return cause('handing-over', 'its run was taken over, and attempts are handed out again in turn', null);
  if (because !== undefined) {
    const isHeldBack = heldBackTarget(because) !== undefined;
    return isHeldBack
      ? cause('breaker', because, `Mend ${target}; it is tried again by itself. A fallback in the step names another agent for this time.`)
      : cause('unreachable', because, 'It is tried again by itself; if that lasts, look at the services.');
  }
  const holders = (): PlaceHolder[] => holdersOf(new Set([queue]), tasks()).get(queue) ?? [];
  if (queue.limit === 0) {
    return cause(
      'isolated',
      `${target} is isolated`,
      `Look at its incident: signalbox incidents --agent ${target}. Let it in again: signalbox unisolate ${target}.`,
    );
  }
  if (queue.active >= queue.limit) {
    const next = `Wait for one of them, cancel a run that holds a place, or raise the concurrency of ${target}.`;
    return cause('limit', `all ${queue.limit} places of ${target} are taken, and ${waitingText(queue.waiting)}`, next, holders);
  }
  if (queue.kind !== 'worker') {
    const share = turns.why(task.workspace);
    if (share === undefined) return cause('handing-over', 'it is being handed over', null);
    return cause('limit', `${share}; ${waitingText(queue.waiting)} for ${target}`, 'It is handed over in its turn.');
  }
  if (queue.isWatched) {
    if (queue.isWanted(task)) return cause('handing-over', 'a worker is about to take it', null);
    const version = queue.versionOf(task);
    if (version !== undefined && (version !== queue.version || queue.route !== undefined)) {
      const start = `Start a worker of ${target} that says it runs version ${version}: SIGNALBOX_AGENT_VERSION=${version}.`;
      return cause('no-worker', `no free worker of ${target} runs version ${version}`, start);
    }
    const next = `Start a worker of ${target} that offers ${task.skill ?? 'its skills'}, or correct the step’s skill.`;
    return cause('skill', `no free worker of ${target} offers the skill ${task.skill ?? ''}`, next);
  }
  if (queue.active > 0) {
    const next = `Wait for one of them, cancel a run that holds a worker, or start more workers of ${target}.`;
    return cause('workers-full', `all workers of ${target} are busy, and ${waitingText(queue.waiting)}`, next, holders);
  }
  return cause('no-worker', `no worker of ${target} is connected`, `Start a worker of ${target}, or deploy it: signalbox deploy.`);
}

function waitingText(count: number): string {
  return count === 1 ? '1 task waits' : `${count} tasks wait`;
}

/** Who has the places of these queues, the longest first; at most ten of each. */
export function holdersOf(queues: ReadonlySet<AgentQueue>, tasks: Iterable<QueuedTask>): Map<AgentQueue, PlaceHolder[]> {
  const held = new Map<AgentQueue, { holder: PlaceHolder; at: number }[]>();
  for (const task of tasks) {
    const { queue } = task;
    if (queue === null || !queues.has(queue) || !isActive(task) || task.isMirror) continue;
    const at = startOf(task);
    const since = at === undefined ? null : new Date(at).toISOString();
    const holder = { run: parseTask(task.id).run, step: task.key, instance: task.instance ?? null, since };
    const known = held.get(queue) ?? [];
    known.push({ holder, at: at ?? Infinity });
    held.set(queue, known);
  }
  const longest = (all: { holder: PlaceHolder; at: number }[]): PlaceHolder[] =>
    all
      .sort((a, b) => a.at - b.at)
      .slice(0, holdersMax)
      .map(({ holder }) => holder);
  return new Map([...held].map(([queue, all]) => [queue, longest(all)]));
}

/** When it began, where its run is here. */
function startOf(task: QueuedTask | OpenTask): number | undefined {
  if (task.phase !== 'running' || !('run' in task)) return undefined;
  return unitOf(task.run.state, task.ref.s, task.ref.i)?.startedAt;
}
