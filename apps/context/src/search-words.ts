/** More words than this narrow nothing down. */
const wordsMax = 16;

/** The words of a search, in lower case. */
export function wordsOf(q: string | undefined): string[] {
  return (q ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, wordsMax);
}
