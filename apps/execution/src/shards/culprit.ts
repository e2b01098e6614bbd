import { log } from '@signalbox/shared/telemetry/log.js';
import { Worker } from 'node:worker_threads';

const uuidAt = 8;
const uuidBytes = 36;

export interface CulpritData {
  /** A count that is odd while a run is handled. */
  turn: Int32Array<SharedArrayBuffer>;
  /** The run's UUID, in Latin-1. */
  uuid: Uint8Array<SharedArrayBuffer>;
  url: string;
  owner: string;
}

/**
 * Knows which run is being handled. Where that takes long, a thread beside writes it down, and takes it back when it is over: of an owner that hangs or runs
 * out of memory on the way, whoever comes next finds the run that it died of. Costs some memory writes, and nothing is written elsewhere while all goes well.
 */
export class Culprit {
  private readonly memory = new SharedArrayBuffer(uuidAt + uuidBytes);
  private readonly turn = new Int32Array(this.memory, 0, 1);
  private readonly uuid = Buffer.from(this.memory, uuidAt, uuidBytes);
  private current: string | undefined;
  private thread: Worker | undefined;

  /** Begins to watch. `owner`: whose end it would be. */
  start(url: string, owner: string): void {
    const data: CulpritData = { turn: this.turn, uuid: new Uint8Array(this.memory, uuidAt, uuidBytes), url, owner };
    const file = `./culprit-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`;
    this.thread = new Worker(new URL(file, import.meta.url), { workerData: data });
    this.thread.on('error', (err) => log.error('runs that end their owner are not known any more', { err }));
    this.thread.unref();
  }

  async stop(): Promise<void> {
    await this.thread?.terminate();
  }

  /** Does what concerns one run. */
  during<T>(run: string, work: () => T): T {
    const before = this.current;
    this.note(run);
    try {
      return work();
    } finally {
      this.note(before);
    }
  }

  private note(run: string | undefined): void {
    this.current = run;
    const turn = Atomics.load(this.turn, 0);
    const ended = turn + (turn & 1);
    Atomics.store(this.turn, 0, ended);
    if (run === undefined) return;
    this.uuid.write(run, 'latin1');
    Atomics.store(this.turn, 0, ended + 1);
  }
}
