import type { SignalboxClient } from '../client/client.ts';
import type { TaskOffer, ToGateway } from './protocol.ts';
import { TaskError } from './skill.ts';
import { runTask } from './task-run.ts';
import type { Outcome, Progress, ReadySkill } from './task-run.ts';

/** A task between its offer and the acknowledgement of its result. */
interface Entry {
  offer: TaskOffer;
  state: 'accepted' | 'running' | 'ended';
  controller: AbortController;
  outcome: Outcome | null;
}

/**
 * The tasks of a worker. It outlives connections: what was running goes on while the gateway is away, and a result is kept and sent
 * again until the gateway says that it is recorded.
 */
export class TaskBook {
  readonly #skills: ReadonlyMap<string, ReadySkill>;
  readonly #client: SignalboxClient;
  readonly #send: (message: ToGateway) => void;
  readonly #entries = new Map<string, Entry>();
  #onEmpty: (() => void)[] = [];

  constructor(skills: ReadonlyMap<string, ReadySkill>, client: SignalboxClient, send: (message: ToGateway) => void) {
    this.#skills = skills;
    this.#client = client;
    this.#send = send;
  }

  /** The tasks that this worker holds: all of them are alive in the gateway's eyes. */
  tasks(): string[] {
    return [...this.#entries.keys()];
  }

  offered(offer: TaskOffer): void {
    const known = this.#entries.get(offer.task);
    if (known && known.offer.attempt === offer.attempt) return this.#repeat(known);
    // A newer attempt: whoever decided that has given up the old one.
    known?.controller.abort(new TaskError('cancelled', 'a newer attempt has begun'));
    this.#entries.set(offer.task, { offer, state: 'accepted', controller: new AbortController(), outcome: null });
    this.#send({ type: 'accepted', task: offer.task });
  }

  started(task: string): void {
    const entry = this.#entries.get(task);
    if (!entry || entry.state !== 'accepted') return;
    entry.state = 'running';
    const report = (said: Progress): void => {
      if (entry.state === 'running') this.#send({ type: 'progress', task, ...said });
    };
    void runTask(entry.offer, this.#skillOf(entry.offer), this.#client, entry.controller, report).then((outcome) => {
      entry.state = 'ended';
      entry.outcome = outcome;
      // A superseded attempt has no place here any more, and its result nobody to take it.
      if (this.#entries.get(task) === entry) this.#repeat(entry);
    });
  }

  cancelled(task: string, reason = 'the task was cancelled'): void {
    const entry = this.#entries.get(task);
    if (!entry) return;
    entry.controller.abort(new TaskError('cancelled', reason));
    if (entry.state === 'accepted') this.#forget(task);
  }

  completed(task: string): void {
    this.#forget(task);
  }

  /** The gateway wants neither the task's work nor its result. */
  refused(task: string): void {
    this.#entries.get(task)?.controller.abort(new TaskError('cancelled', 'the gateway refused the task'));
    this.#forget(task);
  }

  /** After a (re)connect: says what this worker holds. */
  announce(): void {
    if (this.#entries.size === 0) return;
    this.#send({ type: 'beat', tasks: this.tasks() });
    for (const entry of this.#entries.values()) this.#repeat(entry);
  }

  /** Sends results again that nobody has acknowledged. */
  deliver(): void {
    for (const entry of this.#entries.values()) if (entry.state === 'ended') this.#repeat(entry);
  }

  /** Stops all that runs; the outcomes are still delivered. */
  abortAll(reason: string): void {
    for (const [task, entry] of this.#entries) {
      entry.controller.abort(new TaskError('unavailable', reason));
      if (entry.state === 'accepted') this.#forget(task);
    }
  }

  /** Waits until nothing is left, at most `ms`. False: something is. */
  emptied(ms: number): Promise<boolean> {
    if (this.#entries.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#onEmpty.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #skillOf({ skill }: TaskOffer): ReadySkill | undefined {
    if (skill !== null) return this.#skills.get(skill);
    return this.#skills.size === 1 ? this.#skills.values().next().value : undefined;
  }

  #repeat({ offer: { task }, state, outcome }: Entry): void {
    if (state === 'accepted') this.#send({ type: 'accepted', task });
    else if (outcome) this.#send({ type: 'complete', task, ...outcome });
  }

  #forget(task: string): void {
    this.#entries.delete(task);
    if (this.#entries.size > 0) return;
    for (const tell of this.#onEmpty.splice(0)) tell();
  }
}
