import type { Bus } from '../bus/bus.ts';
import type { KpiName } from '../contracts/registry/kpi-names.ts';
import { kpiEntriesMax, recordKpis, type KpiEntry, type RecordKpisRequest } from '../contracts/registry/record-kpis.ts';
import { newUuid } from '../ids/ids.ts';
import { now } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';
import { bucketOf } from './histogram.ts';

const everyMs = 10_000;
const minuteMs = 60_000;
/** Agents and versions that are told apart between two reports; what more do counts for their workspace alone. */
const entriesMax = 4_000;
/** Reports that wait while the registry is away: some ten minutes of a busy process. The oldest go first. */
const waitingMax = 100;

/** What an observation is of. */
export interface Observed {
  /** UUID. */
  workspace: string;
  kpi: KpiName;
  agent?: string;
  version?: number | undefined;
  /** Milliseconds, or a ratio; absent where it only counts. */
  value?: number;
  isBad?: boolean;
}

/** Adds up by the minute what a process measures, and tells the registry, which keeps it. What is not acknowledged is told again, and counts once. */
export class KpiReporter {
  private entries = new Map<string, KpiEntry>();
  private waiting: RecordKpisRequest[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | null = null;

  constructor(private readonly bus: Pick<Bus, 'request' | 'service'>) {}

  start(): void {
    this.timer = setInterval(() => void this.flush(), everyMs);
  }

  /** Tells what is counted so far, if the registry is there. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.sending;
    await this.flush();
  }

  /** Counts for the workspace and, where they are named, for the agent and its version. */
  observe({ workspace, kpi, agent, version, value, isBad = false }: Observed): void {
    this.add(workspace, kpi, '', 0, value, isBad);
    if (agent === undefined) return;
    this.add(workspace, kpi, agent, 0, value, isBad);
    if (version !== undefined) this.add(workspace, kpi, agent, version, value, isBad);
  }

  private add(workspace: string, kpi: KpiName, agent: string, version: number, value: number | undefined, isBad: boolean): void {
    const minute = Math.floor(now() / minuteMs) * minuteMs;
    const key = `${workspace} ${kpi} ${agent} ${version} ${minute}`;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      if (agent !== '' && this.entries.size >= entriesMax) return;
      entry = { workspace, kpi, agent, version, at: new Date(minute).toISOString(), count: 0, bad: 0, sum: 0, buckets: [] };
      this.entries.set(key, entry);
    }
    entry.count++;
    if (isBad) entry.bad++;
    if (value === undefined) return;
    entry.sum += Math.max(0, value);
    const bucket = bucketOf(value);
    while (entry.buckets.length <= bucket) entry.buckets.push(0);
    entry.buckets[bucket]! += 1;
  }

  /** Tells what there is; what the registry does not acknowledge waits for the next time. */
  flush(): Promise<void> {
    this.sending ??= this.send().finally(() => (this.sending = null));
    return this.sending;
  }

  private async send(): Promise<void> {
    const all = [...this.entries.values()];
    this.entries = new Map();
    for (let at = 0; at < all.length; at += kpiEntriesMax) {
      this.waiting.push({ report: newUuid(), reporter: this.bus.service, entries: all.slice(at, at + kpiEntriesMax) });
    }
    try {
      for (let [next] = this.waiting; next !== undefined; [next] = this.waiting) {
        await this.bus.request(recordKpis, next, 'service');
        this.waiting.shift();
      }
    } catch (err) {
      log.warn('what was measured is told later', { err, waiting: this.waiting.length });
      if (this.waiting.length > waitingMax) this.waiting = this.waiting.slice(-waitingMax);
    }
  }
}
