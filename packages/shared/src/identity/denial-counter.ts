import type { Bus } from '../bus/bus.ts';
import { recordDenials, type Denials } from '../contracts/security/record-denials.ts';
import { newUuid } from '../ids/ids.ts';
import { now } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';
import type { Caller } from './caller.ts';

/** The first denial of a principal in a minute is told after this long, what follows in that minute when it is over. */
const firstAfterMs = 200;
const minuteMs = 60_000;
/** Principals counted at once, and reports waiting for `security`: beyond, denials are only in the log. */
const principalsMax = 1_000;
const operationsMax = 8;
const batchMax = 256;

interface Open {
  report: Denials | null;
  /** Epoch milliseconds: when the minute is over. */
  until: number;
}

/** Counts what callers were denied, per principal and minute, and tells `security`, which writes it into the audit. */
export class DenialCounter {
  private readonly open = new Map<string, Open>();
  private waiting: Denials[] = [];
  private timer: NodeJS.Timeout | null = null;
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly bus: Bus) {}

  /** `operation` is what the caller asked for, as `sb.security.key.create`. */
  note({ workspace, principal, name }: Pick<Caller, 'workspace' | 'principal' | 'name'>, operation: string): void {
    log.info('an operation was denied', { workspace, principal, operation });
    const key = `${workspace} ${principal}`;
    const at = now();
    let entry = this.open.get(key);
    if (!entry || entry.until <= at) {
      if (entry?.report) this.waiting.push(entry.report);
      else if (!entry && this.open.size >= principalsMax) return;
      this.waiting.push({ id: newUuid(), workspace, principal, name: name.slice(0, 128), at, count: 1, operations: [operation] });
      entry = { report: null, until: at + minuteMs };
      this.open.set(key, entry);
      this.schedule(firstAfterMs);
      return;
    }
    const report = (entry.report ??= { id: newUuid(), workspace, principal, name: name.slice(0, 128), at, count: 0, operations: [] });
    report.count++;
    if (report.operations.length < operationsMax && !report.operations.includes(operation)) report.operations.push(operation);
    this.schedule(entry.until - at);
  }

  private schedule(afterMs: number): void {
    if (this.timer && afterMs > firstAfterMs) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.sending = this.flush(false);
    }, afterMs);
  }

  /** Tells what is counted so far, minutes that are not over included. */
  async stop(): Promise<void> {
    if (this.timer) clearTimeout(this.timer);
    await this.sending;
    await this.flush(true);
    if (this.timer) clearTimeout(this.timer);
  }

  private async flush(isLast: boolean): Promise<void> {
    const at = now();
    for (const [key, { report, until }] of this.open) {
      if (!isLast && until > at) continue;
      if (report) this.waiting.push(report);
      this.open.delete(key);
    }
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, batchMax);
      try {
        await this.bus.request(recordDenials, { denials: batch }, 'service');
        this.waiting = this.waiting.slice(batch.length);
      } catch (err) {
        log.warn('denials are not in the audit yet', { because: (err as Error).message, waiting: this.waiting.length });
        this.waiting = this.waiting.slice(0, principalsMax);
        if (!isLast) this.schedule(minuteMs / 12);
        return;
      }
    }
    const next = Math.min(...[...this.open.values()].map(({ until }) => until));
    if (!isLast && next < Infinity) this.schedule(Math.max(next - now(), firstAfterMs + 1));
  }
}
