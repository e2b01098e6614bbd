import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** What an entry says, apart from its place in the chain. */
export interface AuditFacts {
  id: string;
  /** Epoch milliseconds. */
  at: number;
  service: string;
  principal: string;
  name: string;
  action: string;
  target: string;
  outcome: 'allowed' | 'denied';
  detail?: Record<string, unknown> | undefined;
}

/** One link: `seq` counts from 1 without gaps, `hash` covers the link before and all that this one says. */
export interface AuditLink extends AuditFacts {
  seq: number;
  hash: Buffer;
}

/** What the first link stands on. */
export const chainStart: Buffer = Buffer.alloc(32);

/** SHA-256 over the hash before and the entry as canonical JSON (RFC 8785). */
export function hashOf(
  workspace: string,
  previous: Buffer,
  { id, at, service, principal, name, action, target, outcome, detail, seq }: Omit<AuditLink, 'hash'>,
): Buffer {
  const entry = { workspace, seq, id, at, service, principal, name, action, target, outcome, ...(detail && { detail }) };
  return createHash('sha256').update(previous).update(canonicalize(entry)!).digest();
}

/** The links that the facts become, in their order, after the last one of the chain. */
export function chained(workspace: string, last: { seq: number; hash: Buffer }, facts: readonly AuditFacts[]): AuditLink[] {
  let { seq, hash } = last;
  return facts.map((given) => {
    const fact = storable(given);
    seq++;
    hash = hashOf(workspace, hash, { ...fact, seq });
    return { ...fact, seq, hash };
  });
}

/** Why the link cannot follow the one before; null when it does. */
export function breakOf(workspace: string, last: { seq: number; hash: Buffer }, link: AuditLink): string | null {
  if (link.seq !== last.seq + 1) return `entry ${last.seq + 1} is missing`;
  return hashOf(workspace, last.hash, link).equals(link.hash) ? null : `entry ${link.seq} is not what was written`;
}

/** The facts as PostgreSQL keeps them: no NUL, no half of a surrogate pair, no value that JSON does not know. Else the hash would not match what is read. */
function storable(facts: AuditFacts): AuditFacts {
  const { detail, ...rest } = JSON.parse(JSON.stringify(facts)) as AuditFacts;
  const clean = cleaned(rest) as AuditFacts;
  return detail === undefined || detail === null ? clean : { ...clean, detail: cleaned(detail) as Record<string, unknown> };
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD');
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [cleaned(key), cleaned(child)]));
}
