/** A query's value as a list: separated by commas, given several times, or both. */
export function asList({ value }: { value: unknown }): unknown {
  return (Array.isArray(value) ? value : [value]).flatMap((entry) => (typeof entry === 'string' ? entry.split(',') : [entry as unknown]));
}
