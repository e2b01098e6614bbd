import { expect } from '@jest/globals';

/** Fails with what was asked and answered unless the answer is one of those allowed. */
export function expectOneOf<T>(asked: string, answer: T, allowed: readonly T[]): void {
  if (!allowed.includes(answer)) expect(`${asked}: ${String(answer)}`).toBe(`${asked}: one of ${allowed.join(', ')}`);
}
