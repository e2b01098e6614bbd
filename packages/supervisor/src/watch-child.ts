import { SupervisorError, type ChildSpec } from './child-spec.ts';
import { startChild, type Child, type ChildExit, type StartOptions, type StopOptions } from './child.ts';
import { afterEnd, noHistory, restartDefaults, type RestartHistory, type RestartPolicy } from './restart-policy.ts';

/** `waiting`: for its next start; `failed`: given up until somebody starts it again. */
export type WatchStatus = 'stopped' | 'starting' | 'running' | 'waiting' | 'failed';

export interface WatchState {
  status: WatchStatus;
  /** One sentence: why it waits, failed or was stopped. */
  reason: string | null;
  pid: number | null;
  restarts: number;
  /** Epoch milliseconds. */
  startedAt: number | null;
  nextAttemptAt: number | null;
  lastExit: ChildExit | null;
}

export interface WatchOptions extends StartOptions {
  /** Asked before every start: what changes from one to the next, as a port or a token, is made anew. */
  spec: () => ChildSpec | Promise<ChildSpec>;
  restart?: Partial<RestartPolicy>;
  onState?: (state: WatchState) => void;
  /** Gets each new child, to read what it prints. */
  onChild?: (child: Child) => void;
  /** For tests. */
  chance?: () => number;
}

/** How an exit reads in a sentence. */
export function describeExit({ code, signal, because }: ChildExit): string {
  if (because !== null) return because;
  return signal !== null ? `it was ended by ${signal}` : `it exited with code ${code}`;
}

/** Keeps one child running: starts it, starts it again with growing pauses when it ends, gives up on a crash loop. */
export class WatchedChild {
  private readonly policy: RestartPolicy;
  private history: RestartHistory = noHistory;
  private current: Child | null = null;
  private timer: NodeJS.Timeout | null = null;
  private starting: Promise<void> | null = null;
  private isWanted = false;
  private now: WatchState = {
    status: 'stopped',
    reason: null,
    pid: null,
    restarts: 0,
    startedAt: null,
    nextAttemptAt: null,
    lastExit: null,
  };

  constructor(private readonly options: WatchOptions) {
    this.policy = { ...restartDefaults, ...options.restart };
  }

  get state(): WatchState {
    return { ...this.now };
  }

  get child(): Child | null {
    return this.current;
  }

  /** Starts it, unless it runs or is being started. Also after a crash loop, whose count begins anew. Settles with the first start's outcome. */
  start(): Promise<void> {
    if (this.isWanted && this.now.status !== 'failed' && this.now.status !== 'waiting') return this.starting ?? Promise.resolve();
    this.isWanted = true;
    this.clearTimer();
    if (this.now.status === 'failed') this.history = { ...noHistory, restarts: this.history.restarts };
    return this.launch();
  }

  /** Ends it in order and keeps it ended. */
  async stop(options: StopOptions = {}): Promise<void> {
    this.isWanted = false;
    this.clearTimer();
    await this.starting;
    await this.current?.stop(options);
    this.history = noHistory;
    this.become({ status: 'stopped', reason: options.because ?? null, pid: null, startedAt: null, nextAttemptAt: null });
  }

  /** Ends it in order and starts it again at once. */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.stop(options);
    await this.start();
  }

  private launch(): Promise<void> {
    this.starting = this.launchOnce().finally(() => (this.starting = null));
    return this.starting;
  }

  private async launchOnce(): Promise<void> {
    this.become({ status: 'starting', reason: null, nextAttemptAt: null, pid: null });
    try {
      const child = await startChild(await this.options.spec(), this.options);
      this.current = child;
      this.become({ status: 'running', pid: child.pid, startedAt: Date.now() });
      this.options.onChild?.(child);
      void child.exited.then((exit) => this.onExit(child, exit));
    } catch (thrown) {
      const isHopeless = thrown instanceof SupervisorError && thrown.code !== 'not-found';
      this.ended(null, (thrown as Error).message, isHopeless);
    }
  }

  private onExit(child: Child, exit: ChildExit): void {
    if (this.current !== child) return;
    this.current = null;
    this.become({ lastExit: exit, pid: null });
    if (this.isWanted) this.ended(this.now.startedAt, describeExit(exit), false);
  }

  private ended(startedAt: number | null, reason: string, isHopeless: boolean): void {
    if (!this.isWanted) return;
    const chance = (this.options.chance ?? Math.random)();
    const { history, decision } = afterEnd(this.history, this.policy, { startedAt, now: Date.now(), chance });
    this.history = history;
    if (isHopeless || decision.kind === 'give-up') {
      const because = !isHopeless && decision.kind === 'give-up' ? `${reason}; ${decision.because}` : reason;
      this.become({ status: 'failed', reason: because, startedAt: null, nextAttemptAt: null });
      return;
    }
    this.become({ status: 'waiting', reason, startedAt: null, nextAttemptAt: decision.at, restarts: history.restarts });
    this.timer = setTimeout(
      () => {
        this.timer = null;
        if (this.isWanted) void this.launch();
      },
      Math.max(0, decision.at - Date.now()),
    );
  }

  private clearTimer(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private become(change: Partial<WatchState>): void {
    this.now = { ...this.now, ...change };
    this.options.onState?.(this.state);
  }
}
