/** `; is agent meant?` when one of `words` differs from `word` by little; else empty. */
export function perhapsMeant(word: string, words: readonly string[]): string {
  const far = Math.min(3, Math.max(1, Math.floor(word.length / 3)) + 1);
  let best: string | undefined;
  let least = far;
  for (const candidate of words) {
    const distance = Math.abs(candidate.length - word.length) < least ? distanceOf(word.toLowerCase(), candidate.toLowerCase()) : far;
    if (distance >= least) continue;
    best = candidate;
    least = distance;
  }
  return best === undefined ? '' : `; is ${best} meant?`;
}

/** How many letters must be put in, left out, changed or swapped with their neighbour (optimal string alignment). */
function distanceOf(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const least = Math.min(
        (last[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (last[column - 1] as number) + (isSame ? 0 : 1),
      );
      current.push(isSwapped ? Math.min(least, (before[column - 2] as number) + 1) : least);
    }
    before = last;
    last = current;
  }
  return last[to.length] as number;
}
