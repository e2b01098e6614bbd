import { Fault } from '../errors/fault.ts';

/** Deeper than any manifest or schema that a person writes; a parser's recursion is safe far beyond it. */
export const jsonMaxDepth = 64;

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses JSON that somebody sent. `invalid` when it is too large, too deep, not JSON, sets a prototype, or has more than `membersMax` members in
 * all of its objects: building them takes longer than reading them.
 */
export function parseJson(bytes: Uint8Array, maxBytes: number, membersMax = Infinity): unknown {
  if (bytes.byteLength > maxBytes) {
    throw new Fault('invalid', `the message has ${bytes.byteLength} bytes, at most ${maxBytes} are allowed`, 'Send less at once.', {
      status: 413,
    });
  }
  checkShape(bytes, membersMax);
  let text: string;
  try {
    text = decoder.decode(bytes);
    const value: unknown = text === '' ? {} : JSON.parse(text);
    if (text.includes('__proto__')) refusePrototypes(value);
    return value;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('invalid', `this is not JSON: ${(cause as Error).message.slice(0, 200)}`, 'Send one JSON document in UTF-8.', {
      cause,
    });
  }
}

/** Counts brackets and members outside strings, before anything recursive sees the text. */
function checkShape(bytes: Uint8Array, membersMax: number): void {
  let depth = 0;
  let members = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isInString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) isInString = false;
    } else if (byte === 0x22) isInString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > jsonMaxDepth) {
        throw new Fault('invalid', `the JSON is nested more than ${jsonMaxDepth} levels deep`, 'Send a flatter document.');
      }
    } else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === 0x3a && ++members > membersMax) {
      throw new Fault('invalid', `the JSON has more than ${membersMax} members`, 'Send less at once, or keep it as an artifact.');
    }
  }
}

function refusePrototypes(value: unknown, pointer = ''): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') {
      throw new Fault('invalid', 'a key named __proto__ is not allowed', 'Leave it out.', {
        errors: [{ pointer: `${pointer}/__proto__`, detail: 'is not allowed' }],
      });
    }
    refusePrototypes(child, `${pointer}/${key}`);
  }
}
