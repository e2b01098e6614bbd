import type { ApiKey } from '../api/shapes.ts';

/** Whether a key can be used now. */
export function keyStatus({ revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>, now: number): 'live' | 'expired' | 'revoked' {
  if (revokedAt) return 'revoked';
  return expiresAt && Date.parse(expiresAt) <= now ? 'expired' : 'live';
}

/** Scopes as people type them: separated by spaces or commas. Gives those that are none apart. */
export function scopesIn(text: string): { scopes: string[]; wrong: string[] } {
  const words = text.split(/[\s,]+/).filter(Boolean);
  const isScope = (word: string): boolean => /^(?:\*|[a-z][a-z-]{0,31}):(?:\*|[a-z][a-z-]{0,31})$/.test(word);
  return { scopes: words.filter(isScope), wrong: words.filter((word) => !isScope(word)) };
}
