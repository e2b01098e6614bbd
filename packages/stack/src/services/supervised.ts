import { setTimeout as sleep } from 'node:timers/promises';

/** Something that runs: a server or a service. */
export interface RunningPart {
  pid: number;
  /** Resolves with how it ended. */
  exited: Promise<string>;
  /** Ends it in order; returns when it is gone. */
  stop(): Promise<void>;
}

/** Something that can be started, and started again. `start` resolves when it is ready, and gives up when the signal is aborted. */
export interface Part {
  name: string;
  start(signal: AbortSignal): Promise<RunningPart>;
}

/** What the supervisor tells. */
export type Say = (sentence: string) => void;

export interface RestartPolicy {
  firstPauseMs: number;
  /** Longest pause between attempts; they go on for as long as the stack runs. */
  maxPauseMs: number;
  /** A part that ran this long did not fail at its start: the next pause is the first one again. */
  stableMs: number;
}
const defaultPolicy: RestartPolicy = { firstPauseMs: 100, maxPauseMs: 10_000, stableMs: 3_000 };

const pollMs = 20;

/** Keeps one part running: a crash is seen, said, and answered by a new start after a growing pause. */
export class Supervised {
  private running: RunningPart | null = null;
  private readonly stopping = new AbortController();
  private watching: Promise<void> = Promise.resolve();
  private starting: Promise<RunningPart> | null = null;

  constructor(
    private readonly part: Part,
    private readonly say: Say,
    private readonly policy: RestartPolicy = defaultPolicy,
  ) {}

  get name(): string {
    return this.part.name;
  }

  get pid(): number | null {
    return this.running?.pid ?? null;
  }

  /** Resolves when it runs, at once or again, or is to run no more. */
  async whenRunning(): Promise<void> {
    while (!this.running && !this.stopping.signal.aborted) await sleep(pollMs);
  }

  /** The first start: rejects when it fails, so that a wrong configuration is told and not tried for ever. */
  async start(): Promise<void> {
    await this.launch();
    if (this.running) this.watching = this.watch();
  }

  private async launch(): Promise<void> {
    this.starting = this.part.start(this.stopping.signal);
    const running = await this.starting;
    if (this.stopping.signal.aborted) await running.stop();
    else this.running = running;
  }

  private async watch(): Promise<void> {
    let pauseMs = this.policy.firstPauseMs;
    while (this.running) {
      const startedAt = performance.now();
      const how = await this.running.exited;
      if (this.stopping.signal.aborted) return;
      if (performance.now() - startedAt > this.policy.stableMs) pauseMs = this.policy.firstPauseMs;
      this.say(`${this.name} ${how}; it is started again.`);
      this.running = null;
      pauseMs = await this.startAgain(pauseMs);
    }
  }

  /** Returns the pause before the next start, should this one end too. */
  private async startAgain(firstPauseMs: number): Promise<number> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, this.policy.maxPauseMs)) {
      await sleep(pauseMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return pauseMs;
      const since = performance.now();
      try {
        await this.launch();
        if (this.running) this.say(`${this.name} is back (${((performance.now() - since) / 1000).toFixed(1)} s).`);
        return Math.min(pauseMs * 2, this.policy.maxPauseMs);
      } catch (error) {
        if (this.stopping.signal.aborted) return pauseMs;
        this.say(`${this.name} did not start: ${(error as Error).message.split('\n')[0]}`);
      }
    }
  }

  /** Ends it and lets it be. Safe to call at any time, also during a start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.starting?.catch(() => undefined); // told by who started it
    await this.running?.stop();
    await this.watching;
    this.running = null;
  }
}
