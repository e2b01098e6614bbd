/** Ten steps a decade (Renard's R10): bounds that people name, as 100 or 2,000, are among them. */
const steps = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8];
const decades = [0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/** Upper bounds of the buckets, ascending; what is larger than the last is in one more. */
export const bucketBounds: readonly number[] = decades.flatMap((decade) => steps.map((step) => Number((decade * step).toPrecision(3))));

export const bucketsMax = bucketBounds.length + 1;

/** In which bucket a value of 0 or more counts. */
export function bucketOf(value: number): number {
  let low = 0;
  let high = bucketBounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (bucketBounds[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Adds `more` to `buckets`; either may end where the rest is zero. */
export function addBuckets(buckets: number[], more: readonly number[]): void {
  while (buckets.length < more.length) buckets.push(0);
  more.forEach((count, bucket) => (buckets[bucket]! += count));
}

/** The value that the share `q` of all lies at or below, within its bucket by a straight line; null: there is none. */
export function quantile(buckets: readonly number[], q: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = q * total;
  let below = 0;
  for (const [bucket, count] of buckets.entries()) {
    if (count > 0 && below + count >= wanted) {
      const from = bucket === 0 ? 0 : (bucketBounds[bucket - 1] as number);
      const to = bucketBounds[bucket] ?? from;
      return from + ((to - from) * Math.max(0, wanted - below)) / count;
    }
    below += count;
  }
  return bucketBounds.at(-1)!;
}

/** How many lie above the limit; what shares a bucket with it counts as above, where the limit is no bound. */
export function countAbove(buckets: readonly number[], limit: number): number {
  return buckets.reduce((sum, count, bucket) => ((bucketBounds[bucket] ?? Infinity) <= limit ? sum : sum + count), 0);
}
