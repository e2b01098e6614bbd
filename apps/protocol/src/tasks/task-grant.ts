import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** Lets a task act as its caller for longer than the identity lives that it came with, and no longer than the task. */
@Injectable()
export class TaskGrants {
  constructor(private readonly bus: Bus) {}

  /** Runs `work` as a caller whose identity is renewed; where the caller may give no grant, as the caller with what time is left. */
  async whileHeld<T>(caller: Caller, task: string, work: (lasting: Caller) => Promise<T>): Promise<T> {
    const grant = await this.create(caller, task);
    if (grant === null) return work(caller);
    try {
      return await work(await this.bus.as(grant));
    } finally {
      this.revoke(grant, task);
    }
  }

  private async create(caller: Caller, task: string): Promise<string | null> {
    try {
      return (await this.bus.request(createGrant, { purpose: `task ${task}` }, caller)).grant;
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'forbidden') return null;
      throw thrown;
    }
  }

  private revoke(grant: string, task: string): void {
    void inCall({ traceparent: childTraceparent() }, () => this.bus.request(revokeGrant, { grant }, 'service')).catch((err: unknown) =>
      log.warn("a task's grant was not given back", { task, err }),
    );
  }
}
