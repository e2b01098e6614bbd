/** A figure, and between which values it lies. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

/** Resamples of a bootstrap, and flips of signs of a permutation test: enough for the second digit of a bound. */
const resamples = 2_000;
/** So few pairs have all their flips counted, in place of some by chance. */
const exactPairsMax = 12;

/** The mean of several values; 0 of none. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The share of attempts that passed, given for each case the share of its own: Wilson's interval (E. B. Wilson 1927; recommended by Brown, Cai and DasGupta,
 * Statistical Science 16, 2001). Repeats of one case are not independent: they count as many independent attempts as give the same standard error
 * (Korn and Graubard, Survey Methodology 24, 1998), at least one a case and at most `attempts`.
 */
export function rateInterval(shares: readonly number[], attempts: number, confidence: number): Interval {
  const cases = shares.length;
  const rate = meanOf(shares);
  const error = cases < 2 ? 0 : shares.reduce((sum, share) => sum + (share - rate) ** 2, 0) / (cases - 1) / cases;
  const independent = error === 0 ? cases : Math.min(attempts, Math.max(cases, (rate * (1 - rate)) / error));
  return wilsonInterval(rate, independent, confidence);
}

/** Wilson's interval of a rate that was seen in so many independent attempts. */
export function wilsonInterval(rate: number, independent: number, confidence: number): Interval {
  const z = normalQuantile((1 + confidence) / 2);
  const center = (rate + z ** 2 / (2 * independent)) / (1 + z ** 2 / independent);
  const half = (z / (1 + z ** 2 / independent)) * Math.sqrt((rate * (1 - rate)) / independent + z ** 2 / (4 * independent ** 2));
  return { value: rate, low: Math.min(rate, Math.max(0, center - half)), high: Math.max(rate, Math.min(1, center + half)) };
}

/**
 * The mean of one value a case: percentile bootstrap over the cases (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). A case is
 * resampled with all of its repeats, since they are not independent (Miller, Adding Error Bars to Evals, arXiv 2411.00640, section 2.2). `chance` gives numbers from 0 to 1.
 */
export function meanInterval(values: readonly number[], confidence: number, chance: () => number): Interval {
  const means = Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < values.length; drawn++) sum += values[Math.floor(chance() * values.length)] as number;
    return sum / values.length;
  }).sort((a, b) => a - b);
  const at = (share: number): number => means[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))] as number;
  const value = meanOf(values);
  return { value, low: Math.min(value, at((1 - confidence) / 2)), high: Math.max(value, at((1 + confidence) / 2)) };
}

/**
 * How likely a mean difference as large as this one, either way, would be if it were chance which of a pair is which: the paired permutation test by
 * flips of signs (Fisher 1935; Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005). All flips of few pairs are counted; of many some
 * by chance, the one that happened among them (Phipson and Smyth 2010), so that it is never 0.
 */
export function pairedPValue(differences: readonly number[], chance: () => number): number {
  const changed = differences.filter((difference) => difference !== 0);
  if (changed.length === 0) return 1;
  // As large, but for what adding in another order makes of it.
  const least = Math.abs(sumOf(changed)) - 1e-9;
  if (changed.length <= exactPairsMax) {
    const flips = 2 ** changed.length;
    let extreme = 0;
    for (let flip = 0; flip < flips; flip++) {
      if (Math.abs(sumOf(changed.map((difference, place) => ((flip >> place) & 1 ? -difference : difference)))) >= least) extreme++;
    }
    return extreme / flips;
  }
  let extreme = 1;
  for (let flip = 0; flip < resamples; flip++) {
    let sum = 0;
    for (const difference of changed) sum += chance() < 0.5 ? -difference : difference;
    if (Math.abs(sum) >= least) extreme++;
  }
  return extreme / (resamples + 1);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** The value below which this share of values lies (nearest rank); undefined of none. */
export function quantileOf(values: readonly number[], share: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)];
}

/** Numbers from 0 to 1 that follow from the seed, so that the same results always have the same bounds (mulberry32). */
export function chanceOf(seed: string): () => number {
  let state = 0;
  for (const letter of seed) state = Math.imul(state ^ letter.codePointAt(0)!, 0x9e37_79b1) + 0x7f4a_7c15;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The quantile of the normal distribution, from 0.5 on, to 4.5e-4 (Abramowitz and Stegun 26.2.23). */
export function normalQuantile(probability: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - probability));
  return t - (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3);
}
