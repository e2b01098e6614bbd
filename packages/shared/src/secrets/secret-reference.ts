/** What stands in a manifest for a secret's value: `secret://NAME`, alone or within a text, as `Bearer secret://github-token`. */
const prefix = 'secret://';
const referencePattern = /secret:\/\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?![A-Za-z0-9_.-])/g;

/** The names of the secrets that a text refers to, each once. */
export function secretNamesIn(text: string): string[] {
  return text.includes(prefix) ? [...new Set([...text.matchAll(referencePattern)].map(([, name]) => name!))] : [];
}

/** Why a text that may refer to secrets cannot be used; null: it can. */
export function referenceFault(text: string): string | null {
  if (!text.includes(prefix)) return null;
  return text.replace(referencePattern, '').includes(prefix)
    ? 'must name a secret as `secret://NAME`: lower-case letters, digits and hyphens, at most 63'
    : null;
}

/** The text with every reference replaced by what `valueOf` says. */
export async function fillReferences(text: string, valueOf: (name: string) => Promise<string>): Promise<string> {
  const names = secretNamesIn(text);
  if (names.length === 0) return text;
  const values = new Map(await Promise.all(names.map(async (name) => [name, await valueOf(name)] as const)));
  return text.replace(referencePattern, (_, name: string) => values.get(name)!);
}
