import { hash } from 'node:crypto';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { ShownCredential } from './credential.ts';

/** Wrong credentials that one address may show in a minute. */
const guessesMax = 30;
const windowS = 60;
/** A credential that was refused is refused again for this long without a question; it may be the administrator's, imported by a restart. */
const refusedMs = 2_000;
const refusedMax = 10_000;

/** Limits guessing by address. Who shows a credential that is known to be good is never held up by it, also behind the same address. */
export class GuessLimit {
  private readonly limiter = new RateLimiterMemory({ points: guessesMax, duration: windowS });
  private readonly refused = new Map<string, number>();

  /** `limited` when the address has guessed too often. */
  async require(address: string): Promise<void> {
    const state = await this.limiter.get(address);
    if (state === null || state.remainingPoints > 0) return;
    throw new Fault('limited', 'too many credentials that are not valid came from this address', 'Wait, then use a key that is valid.', {
      retryAfterMs: Math.max(1_000, state.msBeforeNext),
    });
  }

  /** Whether this was refused a moment ago. */
  wasRefused(shown: ShownCredential): boolean {
    const key = digest(shown);
    const until = this.refused.get(key);
    if (until === undefined) return false;
    if (until > performance.now()) return true;
    this.refused.delete(key);
    return false;
  }

  async count(address: string, shown: ShownCredential): Promise<void> {
    if (this.refused.size >= refusedMax) this.refused.clear();
    this.refused.set(digest(shown), performance.now() + refusedMs);
    await this.limiter.consume(address).catch((full: RateLimiterRes) => full); // beyond the limit it is only counted on
  }
}

function digest({ kind, credential }: ShownCredential): string {
  return `${kind} ${hash('sha256', credential, 'base64url')}`;
}
