import { Fault } from '@signalbox/shared/errors/fault.js';

/** Instances whose session is remembered; beyond, the one that came first is forgotten: its next question is a first one. */
const instancesMax = 10_000;

/** In which session an instance asked last, and in which before. */
interface Known {
  readonly last: string;
  readonly former: string | undefined;
  /** Tasks in the last answer that it may begin without asking: its next question says that they have come. */
  handed: readonly string[];
  means: WorkerMeans | undefined;
}

/** What a worker can do: skills, and the version of the agent; all of them, and the current one, where undefined. */
export interface WorkerMeans {
  readonly skills: ReadonlySet<string> | undefined;
  readonly version: number | undefined;
}

/** The sessions in which workers ask for tasks: a new one ends the one before. */
export class WorkerSessions {
  private readonly known = new Map<string, Known>();

  /** Whether the session has taken the place of another. `conflict` when it was itself replaced. */
  follow(instance: readonly string[], session: string): boolean {
    const key = instance.join(' ');
    const known = this.known.get(key);
    if (known?.last === session) return false;
    if (known?.former === session)
      throw new Fault(
        'conflict',
        `${instance.at(-1)} has connected again, and its new connection gets the tasks`,
        'If two workers have this name, give each one of its own.',
      );
    this.known.delete(key);
    this.known.set(key, { last: session, former: known?.last, handed: [], means: undefined });
    if (this.known.size > instancesMax) this.known.delete(this.known.keys().next().value as string);
    return known !== undefined;
  }

  /** What the worker said in this session that it can do. */
  remember(instance: readonly string[], means: WorkerMeans): void {
    const known = this.known.get(instance.join(' '));
    if (known) known.means = means;
  }

  /** Undefined where the session is not the worker's last one. */
  meansOf(instance: readonly string[], session: string): WorkerMeans | undefined {
    const known = this.known.get(instance.join(' '));
    return known?.last === session ? known.means : undefined;
  }

  /** An answer to a question of this session is on its way. */
  hand(instance: readonly string[], session: string, tasks: readonly string[]): void {
    const known = this.known.get(instance.join(' '));
    if (known?.last === session) known.handed = tasks;
  }

  /** What was handed over and has come: the session asks again. */
  takeHanded(instance: readonly string[]): readonly string[] {
    const known = this.known.get(instance.join(' '));
    const handed = known?.handed ?? [];
    if (known) known.handed = [];
    return handed;
  }
}
