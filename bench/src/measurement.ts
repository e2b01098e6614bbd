/** One row of the results: a median over rounds, beside its floor or peer of the same run. */
export interface Measurement {
  /** Which bench, as `bus`. */
  bench: string;
  what: string;
  unit: string;
  value: number;
  min: number;
  max: number;
  /** The same thing with nothing of ours in it, measured in turn with ours. */
  floor: number | null;
  peer: number | null;
  /** What `value` must not exceed, in its unit; null: shown, not judged. */
  goal: number | null;
  met: boolean | null;
}

export interface Bench {
  name: string;
  run(options: BenchOptions): Promise<Measurement[]>;
}

export interface BenchOptions {
  rounds: number;
  /** Fewer samples: enough to see a regression, not to quote. */
  isSmoke: boolean;
  /** As many rows and steps as the goals speak of, where that takes minutes. */
  isLarge: boolean;
}

/** The middle of the sorted values; of an even count, the upper one. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
  if (value === undefined) throw new Error('nothing was measured');
  return value;
}

/** The row of values measured once a round; `goalOf` makes the goal from the floor. */
export function measured(
  row: Pick<Measurement, 'bench' | 'what' | 'unit'>,
  values: readonly number[],
  options: { floors?: readonly number[]; goal?: number; goalOf?: (floor: number) => number } = {},
): Measurement {
  const value = median(values);
  const floor = options.floors ? median(options.floors) : null;
  const goal = options.goal ?? (floor !== null && options.goalOf ? options.goalOf(floor) : null);
  return {
    ...row,
    value,
    min: Math.min(...values),
    max: Math.max(...values),
    floor,
    peer: null,
    goal,
    met: goal === null ? null : value <= goal,
  };
}
