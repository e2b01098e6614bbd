import type { EntityManager } from 'typeorm';

/** Rows of a SELECT, or of an INSERT … RETURNING. */
export function rowsOf<Row>(tx: EntityManager, text: string, values: unknown[] = []): Promise<Row[]> {
  return tx.query<Row[]>(text, values);
}

/** Rows of an UPDATE or DELETE … RETURNING: the driver gives them with their count. */
export async function changedRows<Row>(tx: EntityManager, text: string, values: unknown[] = []): Promise<Row[]> {
  const [rows] = await tx.query<[Row[], number]>(text, values);
  return rows;
}

/** Text for LIKE that means itself. */
export function likeText(text: string): string {
  return text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`);
}

/** Patterns for `search LIKE ALL`: each word of `q` must be found. */
export function searchPatterns(q: string | undefined): string[] {
  return (q ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => `%${likeText(word)}%`);
}

/** Labels as the jsonb that a row must contain, from `name=value`. */
export function labelsWanted(labels: readonly string[] | undefined): string {
  return JSON.stringify(
    Object.fromEntries(
      (labels ?? []).map((label) => {
        const at = label.indexOf('=');
        return [label.slice(0, at), label.slice(at + 1)];
      }),
    ),
  );
}
