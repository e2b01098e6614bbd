import { FairQueue } from '../journal/fair-queue.ts';
import type { AgentQueue } from './agent-queue.ts';

/** Tasks that one replica has called at once: `protocol` takes 512 and refuses more, whoever's they are. */
export const calledMax = 448;
/** Of these one workspace has at most so many: another finds room at once, however long the first one's take. */
export const shareMax = 336;

/** Which queue of called tasks is next: workspaces take turns, task by task, and within one its queues. */
export class CalledTurns {
  private readonly line = new FairQueue<AgentQueue>();
  private readonly inLine = new Set<AgentQueue>();
  private readonly active = new Map<string, number>();
  private total = 0;

  /** Under way, of all workspaces. */
  get size(): number {
    return this.total;
  }

  /** Workspaces that have tasks waiting for a turn. */
  get waiting(): number {
    return this.line.keys;
  }

  activeOf(workspace: string): number {
    return this.active.get(workspace) ?? 0;
  }

  /** So many more tasks of a workspace are under way. */
  count(workspace: string, by: number): void {
    const active = this.activeOf(workspace) + by;
    this.total += by;
    if (active > 0) this.active.set(workspace, active);
    else this.active.delete(workspace);
  }

  /** A queue has tasks to be called. */
  enter(queue: AgentQueue): void {
    if (this.inLine.has(queue)) return;
    this.inLine.add(queue);
    this.line.push(queue.workspace, queue);
  }

  /** The queue whose turn it is, while there is room; it enters again if it has more. */
  next(): AgentQueue | undefined {
    if (this.total >= calledMax) return undefined;
    const queue = this.line.take((workspace) => this.activeOf(workspace) < shareMax);
    if (queue !== undefined) this.inLine.delete(queue);
    return queue;
  }

  /** Why a task of this workspace waits although its queue has room; undefined where it does not. */
  why(workspace: string): string | undefined {
    const own = this.activeOf(workspace);
    if (own >= shareMax) return `this workspace has its share of ${shareMax} calls under way`;
    if (this.total < calledMax) return undefined;
    const others = Math.max(0, this.active.size - (own > 0 ? 1 : 0));
    const whose =
      others === 0
        ? 'all of this workspace'
        : `${own} of this workspace, which takes turns with ${others === 1 ? 'another' : `${others} others`}`;
    return `${calledMax} calls are under way, ${whose}`;
  }
}
