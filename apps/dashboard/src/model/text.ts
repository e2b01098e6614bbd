/** Shortens the middle of a long identifier: `run_01jd4q…7k2m`. The whole is copied, never the short form. */
export function shortenMiddle(text: string, max = 16): string {
  if (text.length <= max) return text;
  const tail = Math.min(4, Math.floor((max - 1) / 2));
  return `${text.slice(0, max - 1 - tail)}…${text.slice(-tail)}`;
}

/** `1 run`, `2 runs`: the count with its noun. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const grouped = new Intl.NumberFormat('en-US');

/** A count with its thousands grouped: `48,210`. */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** `a`, `a and b`, `a, b and c`; more than `max` end in `and 3 more`. */
export function listed(items: readonly string[], max = 4): string {
  const shown = items.length > max ? [...items.slice(0, max - 1), `${items.length - max + 1} more`] : items;
  if (shown.length <= 1) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** Bytes in binary units: `512 B`, `1.4 KiB`, `92 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Money in dollars, as fine as small sums need: `$0.006`, `$1.24`. */
export function formatUsd(usd: number): string {
  if (usd === 0) return '$0';
  return usd < 0.1 ? `$${usd.toFixed(usd < 0.001 ? 5 : 3)}` : `$${usd.toFixed(2)}`;
}

/** Control codes and bidirectional overrides in text of foreign origin are shown, not obeyed. */
export function inert(text: string): string {
  return text
    .replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** A percentage without decimals that never rounds up to done: 0.999 is `99 %`. */
export function formatPercent(share: number): string {
  const percent = Math.max(0, Math.min(1, share)) * 100;
  return `${percent >= 100 ? 100 : Math.min(99, Math.round(percent))} %`;
}
