import 'reflect-metadata';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Fault } from '../errors/fault.ts';

export const pageLimitDefault = 50;
export const pageLimitMax = 200;

/** What every list takes. */
export class PageRequest {
  /** At most this many, 50 if absent. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(pageLimitMax) limit?: number;

  /** `nextCursor` of the page before. */
  @IsOptional() @IsString() @MaxLength(1_024) cursor?: string;

  /** Words that must be found in it. */
  @IsOptional() @IsString() @MaxLength(200) q?: string;
}

/** A position in an ordered list, as text that nobody needs to understand: the key fields of the last row. */
export function encodeCursor(position: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** The position in a cursor, its fields as strings. `invalid` when it is not one of ours with this many fields. */
export function decodeCursor(cursor: string, fields: number): string[] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const isOurs =
      Array.isArray(position) &&
      position.length === fields &&
      // A NUL is in no text of PostgreSQL.
      position.every((field) => typeof field === 'number' || (typeof field === 'string' && !field.includes('\0')));
    if (isOurs) return position.map(String);
  } catch (cause) {
    throw badCursor(cause);
  }
  throw badCursor();
}

/** The position in a cursor that is one whole number, below `below` in either direction: by default what PostgreSQL takes as `int`. `invalid` like `decodeCursor`. */
export function decodePosition(cursor: string, below = 2 ** 31): number {
  const position = Number(decodeCursor(cursor, 1)[0]);
  if (Number.isInteger(position) && Math.abs(position) < below) return position;
  throw badCursor();
}

/** What is thrown for a cursor whose fields no row of the list can have. */
export function badCursor(cause?: unknown): Fault {
  return new Fault('invalid', 'the cursor is not one that this list gave', 'Begin again without a cursor.', {
    cause,
    errors: [{ pointer: '/cursor', detail: 'is not a cursor of this list' }],
  });
}

/** Cuts a page out of rows read with `LIMIT limit + 1`. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => readonly (string | number)[],
  item: (row: Row) => Item,
): { data: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { data: shown.map(item), nextCursor: rows.length > limit && last !== undefined ? encodeCursor(position(last)) : null };
}
