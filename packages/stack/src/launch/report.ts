/** Tells a person at a terminal, or a log, how the start goes on. */
export class Report {
  constructor(private readonly out: NodeJS.WritableStream = process.stdout) {}

  /** Works, then says what was done and how long it took. `work` may return a better sentence. */
  async stage<T>(what: string, work: () => Promise<T>, describe?: (result: T) => string): Promise<T> {
    const since = performance.now();
    const result = await work();
    this.line(`  ${describe?.(result) ?? what} (${((performance.now() - since) / 1000).toFixed(1)} s)`);
    return result;
  }

  line(text = ''): void {
    this.out.write(`${text}\n`);
  }
}
