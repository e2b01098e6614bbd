import { badCursor, decodeCursor } from '@signalbox/shared/bus/page.js';

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The UUID that a list in order of UUIDs goes on after; null at its beginning. `invalid` when it is no cursor of such a list. */
export function uuidCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [uuid = ''] = decodeCursor(cursor, 1);
  if (uuidPattern.test(uuid)) return uuid;
  throw badCursor();
}
