/** CSI, OSC, DCS and the other escape sequences of ECMA-48, whole, so that nothing of them is left as text. */
const escapes =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c]*(?:\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;
/** C0 but tab and newline, DEL, C1. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** What reorders text (Unicode UAX 9) or breaks lines without being seen. */
const reordering = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const hiddenBreaks = /[\u2028\u2029]/g;

/** Text from elsewhere as it may be shown on a terminal: letters, tabs and newlines, nothing that steers the terminal. */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(escapes, '').replace(hiddenBreaks, '\n').replace(controls, '').replace(reordering, '');
}

/** The same in one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s*[\n\t]\s*/g, ' ');
}

/** JSON that is safe to show: what `JSON.stringify` leaves as it is, but a terminal obeys, is escaped. Nothing is lost. */
export function safeJson(value: unknown, indent?: number): string {
  return (JSON.stringify(value, null, indent) ?? 'null').replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Columns that text takes on a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (/\p{M}|\u200b|\u200d|\ufe0f/u.test(char)) continue;
    width += isWide(code) ? 2 : 1;
  }
  return width;
}

/** Cuts text to so many columns, with an ellipsis where something is missing. */
export function cut(text: string, columns: number): string {
  return displayWidth(text) <= columns ? text : `${beginning(text, columns - 1)}…`;
}

/** As much of the text as fits into so many columns. */
export function beginning(text: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const char of text) {
    const next = displayWidth(char);
    if (width + next > columns) break;
    width += next;
    kept += char;
  }
  return kept;
}

/** East Asian wide and emoji blocks (Unicode UAX 11), near enough for tables. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** A value as JSON on one line, cut to so many characters. */
export function briefJson(value: unknown, charsMax: number): string {
  const text = safeJson(value);
  return text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text;
}
