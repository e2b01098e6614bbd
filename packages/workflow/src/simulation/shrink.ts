import type { Schedule } from './simulate.ts';
import { faultySteps } from './world.ts';

/** How many steps the largest random workflow has. */
const graphSteps = 24;

/**
 * The smallest schedule that still fails: fewest kinds of faults, earliest end of them, fewest steps of the workflow. `fails` plays one; a
 * schedule that ends otherwise than by that failure is not it.
 */
export function shrink(failing: Schedule, fails: (schedule: Schedule) => boolean): Schedule {
  let least = failing;
  const tryIt = (smaller: Schedule): boolean => {
    if (!fails(smaller)) return false;
    least = smaller;
    return true;
  };
  for (let before: Schedule | undefined; before !== least;) {
    before = least;
    for (const kind of Object.keys(least.faults) as (keyof Schedule['faults'])[]) {
      if (least.faults[kind] > 0) tryIt({ ...least, faults: { ...least.faults, [kind]: 0 } });
    }
    for (let low = 0, high = least.faultyUntil ?? faultySteps; low < high;) {
      const middle = (low + high) >> 1;
      if (tryIt({ ...least, faultyUntil: middle })) high = middle;
      else low = middle + 1;
    }
    for (let step = graphSteps - 1; step >= 0; step--) {
      const without = least.without ?? [];
      if (!without.includes(step)) tryIt({ ...least, without: [...without, step] });
    }
  }
  return least;
}
