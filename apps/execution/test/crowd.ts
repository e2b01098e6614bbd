import { setTimeout as sleep } from 'node:timers/promises';

const aloneMs = 300;

/** Counts who is at work at once, by name. */
export class Crowd {
  private readonly now = new Map<string, number>();
  private readonly peaks = new Map<string, number>();
  private all = 0;
  mostOfAll = 0;

  /** Works for a while: longer while it is alone of its name, so that another can come on a busy machine. */
  async pass(name: string, ms = 30): Promise<{ output: null }> {
    const count = (this.now.get(name) ?? 0) + 1;
    this.now.set(name, count);
    this.peaks.set(name, Math.max(count, this.most(name)));
    this.mostOfAll = Math.max(this.mostOfAll, ++this.all);
    await sleep(this.most(name) > 1 ? ms : Math.max(ms, aloneMs));
    this.now.set(name, (this.now.get(name) ?? 1) - 1);
    this.all--;
    return { output: null };
  }

  most(name: string): number {
    return this.peaks.get(name) ?? 0;
  }

  clear(): void {
    this.peaks.clear();
    this.mostOfAll = 0;
  }
}
