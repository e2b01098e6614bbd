/** Pages of one list: more are no catalogue. */
const pagesMax = 64;
const entriesMax = 5_000;

/** Reads a paged list to its end, bounded: a server whose cursor turns in circles, or never ends, gives what it gave so far. */
export async function readPages(read: (cursor: string | undefined) => Promise<Record<string, unknown>>, field: string): Promise<unknown[]> {
  const entries: unknown[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax && entries.length < entriesMax; page++) {
    const result = await read(cursor);
    const part = result[field];
    if (!Array.isArray(part)) throw new Error(`it answered without a list of ${field}`);
    entries.push(...(part as unknown[]).slice(0, entriesMax - entries.length));
    const next = result['nextCursor'];
    if (typeof next !== 'string' || next === '' || seen.has(next)) break;
    seen.add(next);
    cursor = next;
  }
  return entries;
}
