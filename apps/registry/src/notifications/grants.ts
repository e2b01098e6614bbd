import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { isOutage, Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** Grants by which channels and rules act later as who applied them. */
@Injectable()
export class Grants {
  constructor(private readonly bus: Bus) {}

  async make(caller: Caller, purpose: string): Promise<string> {
    return (await this.bus.request(createGrant, { purpose }, caller)).grant;
  }

  /** Whether one is worth something still: who it is of may have lost its rights, or is gone. */
  async lives(grant: string): Promise<boolean> {
    try {
      await this.bus.broker.callerOfGrant(grant);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof Fault) || isOutage(thrown)) throw thrown;
      return false;
    }
  }

  /** Gives one back that nothing needs any more. Where that fails it does no harm: it is ours alone. */
  async giveBack(grant: string | null): Promise<void> {
    if (grant === null) return;
    await this.bus
      .request(revokeGrant, { grant }, 'service')
      .catch((err: unknown) => log.warn('a grant of notifications was not given back', { err }));
  }
}
