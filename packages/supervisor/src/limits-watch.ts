import type { ChildLimits } from './containment/contain.ts';
import { listProcesses, treeOf, type ProcessEntry } from './process/process-table.ts';

interface Watched {
  limits: ChildLimits;
  onOver: (reason: string) => void;
}

/** A fork bomb needs about this long to be a burden, and looking costs some milliseconds of the processor. */
const lookEveryMs = 2_000;

/** Why the tree of a child is over its limits; null when it is not. */
export function overLimits(pid: number, limits: ChildLimits, processes: readonly ProcessEntry[]): string | null {
  const tree = treeOf(pid, processes);
  const own = processes.find((entry) => entry.pid === pid);
  if (tree.length + 1 > limits.processesMax) return `it had more than ${limits.processesMax} processes`;
  const memory = tree.reduce((sum, entry) => sum + entry.memory, own?.memory ?? 0);
  return memory > limits.memoryMaxBytes ? `it used more than ${Math.round(limits.memoryMaxBytes / 1024 ** 2)} MiB of memory` : null;
}

/** Ends trees that grow past what no kernel limit covers: the number of processes and their memory together. */
export class LimitsWatch {
  private readonly watched = new Map<number, Watched>();
  private timer: NodeJS.Timeout | null = null;

  add(pid: number, limits: ChildLimits, onOver: (reason: string) => void): void {
    this.watched.set(pid, { limits, onOver });
    this.timer ??= setInterval(() => void this.look(), lookEveryMs).unref();
  }

  remove(pid: number): void {
    this.watched.delete(pid);
    if (this.watched.size > 0 || !this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  private async look(): Promise<void> {
    const processes = await listProcesses().catch(() => []);
    for (const [pid, { limits, onOver }] of this.watched) {
      const reason = overLimits(pid, limits, processes);
      if (reason === null) continue;
      this.watched.delete(pid);
      onOver(reason);
    }
  }
}

/** The watch of this process. */
export const limitsWatch = new LimitsWatch();
