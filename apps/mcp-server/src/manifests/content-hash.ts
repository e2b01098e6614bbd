import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** `sha256:` of the RFC 8785 form: equal for equal content, however its keys are ordered. */
export function contentHash(value: object): string {
  return `sha256:${createHash('sha256').update(canonicalize(value)!).digest('hex')}`;
}
