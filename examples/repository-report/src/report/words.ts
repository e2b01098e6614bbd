/** `1,234`, the same in every locale. */
export function thousands(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 file`, `3 files`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${thousands(number)} ${number === 1 ? noun : plural}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `a, b and c`; past `max` items `a, b and 5 more`. */
export function list(items: readonly string[], max = items.length): string {
  if (items.length > max) return `${items.slice(0, max).join(', ')} and ${items.length - max} more`;
  if (items.length <= 1) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** Text from files as it may stand in Markdown: nothing in it is markup, a link, or a line of its own. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]<>|#~]/g, '\\$&')
    .trim();
}

/** A name in code type; a backtick in it must not end it. */
export function code(text: string): string {
  return `\`${text.replace(/\s+/g, ' ').replaceAll('`', 'ˋ')}\``.replaceAll('|', '\\|');
}
