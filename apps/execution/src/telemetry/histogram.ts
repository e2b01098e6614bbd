/** How many observations were at most so large. */
export class Histogram {
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  /** `bounds`: upper ones, ascending; what is larger is in the last bucket. */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    for (let bucket = 0; bucket < this.bounds.length; bucket++) {
      if (value > (this.bounds[bucket] as number)) continue;
      this.counts[bucket] = (this.counts[bucket] as number) + 1;
      return;
    }
  }

  /** Its lines in the Prometheus text format, where each bucket counts those below it too. */
  lines(name: string, labels: string): string[] {
    let below = 0;
    return [
      ...this.bounds.map((bound, bucket) => {
        below += this.counts[bucket] as number;
        return `${name}_bucket{${labels},le="${bound}"} ${below}`;
      }),
      `${name}_bucket{${labels},le="+Inf"} ${this.count}`,
      `${name}_sum{${labels}} ${this.sum}`,
      `${name}_count{${labels}} ${this.count}`,
    ];
  }
}
