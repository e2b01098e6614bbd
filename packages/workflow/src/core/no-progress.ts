import type { Json } from './json.ts';

/** When turns that follow each other are no progress. */
export interface Stall {
  /** So many in a row. */
  turns: number;
  /** How much of their words two turns must share to be the same: 1 for all of them. */
  similarity: number;
}

/** Speakers that take turns in saying the same are noticed up to so many. */
export const speakersMax = 8;
/** Longer texts are the same only where every character is. */
const textMax = 65_536;
/** Longer texts say more than thanks. */
const courtesyWords = 40;

const courtesies = new Set(
  'thanks thank thx welcome appreciate appreciated pleasure cheers great good perfect excellent wonderful fantastic awesome nice glad happy agree agreed agreeing indeed absolutely exactly goodbye bye farewell'.split(
    ' ',
  ),
);
const besides = new Set(
  'a all am and any anytime are as at be best both by collaboration conversation could day discussion everyone everything feel feedback for forward free from future further have help here hello hi hope i if in insight insightful insights is it just kind know let likewise looking lot m many me more much my need no now of ok okay on our please re really reach s so success sure take team that the there this to too truly us ve very was we well were wish with words work working yes you your yours'.split(
    ' ',
  ),
);

/**
 * Why the last turns are no progress, as a person reads it; undefined where they may be some. `said`: what is compared, of each turn, the last one
 * last. The same is found whoever says it, also where several speakers go in circles.
 */
export function stallOf(said: readonly Json[], { turns, similarity }: Stall): string | undefined {
  if (said.length < turns) return undefined;
  if (said.slice(-turns).every(isCourtesy)) return `the last ${turns} turns are courtesies alone`;
  const recent = said.slice(-turns * speakersMax).map(wordsOf);
  for (let period = 1; period <= speakersMax && period * turns <= recent.length; period++) {
    const compared = period * (turns - 1);
    const isRound = Array.from({ length: compared }, (_, back) => recent.length - 1 - back).every((at) =>
      isAlike(recent[at] as string, recent[at - period] as string, similarity),
    );
    if (!isRound) continue;
    const same = similarity === 1 ? 'the same' : 'nearly the same';
    return period === 1 ? `the last ${turns} turns gave ${same}` : `the last ${period} turns gave ${same} ${turns} times over`;
  }
  return undefined;
}

/** Words in small letters: what differs in case, spaces and punctuation alone is the same. */
function wordsOf(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > textMax ? text : normal(text);
}

function normal(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

function isAlike(a: string, b: string, similarity: number): boolean {
  if (a === b) return true;
  if (similarity === 1 || a.length > textMax || b.length > textMax) return false;
  const left = a.split(' ');
  const right = b.split(' ');
  const counts = new Map<string, number>();
  for (const word of left) counts.set(word, (counts.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of right) {
    const count = counts.get(word) ?? 0;
    if (count > 0) shared++;
    counts.set(word, count - 1);
  }
  return (2 * shared) / (left.length + right.length) >= similarity;
}

/** Whether a turn only thanks, greets or agrees, in English. */
function isCourtesy(value: Json): boolean {
  const words = normal(spokenOf(value).slice(0, textMax)).split(' ');
  if (words.length > courtesyWords || !words.some((word) => courtesies.has(word))) return false;
  return words.every((word) => courtesies.has(word) || besides.has(word));
}

/** What a turn says, where that is a text or the one field with it. */
function spokenOf(value: Json): string {
  if (typeof value === 'string') return value;
  const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : [];
  return fields.length === 1 && typeof fields[0] === 'string' ? fields[0] : '';
}
