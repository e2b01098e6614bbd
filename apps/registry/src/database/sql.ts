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

/** What rows must be, with the values: only what is asked for stands in the query, since PostgreSQL plans by it. */
export class Conditions {
  readonly values: unknown[] = [];
  private readonly parts: string[] = [];

  /** Each `$` of the text takes the next value. */
  add(text: string, ...values: unknown[]): void {
    const given = [...values];
    this.parts.push(text.replaceAll('$', () => `$${this.values.push(given.shift())}`));
  }

  get text(): string {
    return this.parts.length === 0 ? 'true' : this.parts.join(' AND ');
  }
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
