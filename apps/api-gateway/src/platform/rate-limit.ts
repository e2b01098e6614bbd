import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { Fault } from '@signalbox/shared/errors/fault.js';

const windowS = 10;

/** Counts each principal's requests of this process; `limited` with the time to wait beyond the limit. */
export class RateLimit {
  private readonly limiter: RateLimiterMemory;

  constructor(max: number) {
    this.limiter = new RateLimiterMemory({ points: max, duration: windowS });
  }

  async take(principal: string): Promise<void> {
    try {
      await this.limiter.consume(principal);
    } catch (refused) {
      throw new Fault('limited', `more than ${this.limiter.points} requests in ${windowS} s`, 'Send fewer requests, or wait.', {
        retryAfterMs: (refused as RateLimiterRes).msBeforeNext,
      });
    }
  }
}
