/** Something that Ctrl K finds. */
export interface Findable {
  id: string;
  title: string;
  /** What it is: `Agent`, `Action`. */
  kind: string;
  /** Said beside the title. */
  detail?: string;
  /** Further words that find it. */
  words?: string;
}

/** The best matches for what was typed, best first. All of its words must occur; whole names and beginnings come before middles. */
export function find<T extends Findable>(items: readonly T[], typed: string, max = 30): T[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return items.slice(0, max);
  const scored: { item: T; score: number; order: number }[] = [];
  items.forEach((item, order) => {
    const score = scoreOf(item, words);
    if (score > 0) scored.push({ item, score, order });
  });
  scored.sort((a, b) => b.score - a.score || a.order - b.order);
  return scored.slice(0, max).map(({ item }) => item);
}

function scoreOf({ title, kind, detail = '', words: more = '' }: Findable, words: readonly string[]): number {
  const name = title.toLowerCase();
  const rest = `${kind} ${detail} ${more}`.toLowerCase();
  let score = 0;
  for (const word of words) {
    if (name === word) score += 100;
    else if (name.startsWith(word)) score += 60;
    else if (beginsAWord(name, word)) score += 40;
    else if (name.includes(word)) score += 25;
    else if (rest.includes(word)) score += 10;
    else return 0;
  }
  return score;
}

/** Whether the text stands in the name behind something that is neither letter nor digit. */
function beginsAWord(name: string, text: string): boolean {
  for (let at = name.indexOf(text); at >= 0; at = name.indexOf(text, at + 1)) {
    if (at > 0 && !/[a-z0-9]/.test(name.charAt(at - 1))) return true;
  }
  return false;
}
