/** Why a secret cannot be set so; null: it can. Nothing is said of what is still empty. */
export function secretFault(name: string, value: string): string | null {
  if (name !== '' && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    return 'A name has lower-case letters, digits and hyphens.';
  }
  return value !== '' && value.length < 8 ? 'A value has 8 characters or more.' : null;
}
