import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { CallerWatch } from '../auth/caller-watch.ts';
import { GatewayConfig } from '../gateway.config.ts';

interface Closable {
  close(): void;
  onClose(work: () => void): void;
}

/** Every long answer that is open, by principal: so that there are not too many, and that they end with a revocation and at shutdown. */
@Injectable()
export class OpenStreams implements BeforeApplicationShutdown {
  private readonly byPrincipal = new Map<string, Set<Closable>>();

  constructor(
    private readonly config: GatewayConfig,
    private readonly callers: CallerWatch,
  ) {}

  /** `limited` when the caller holds as many as it may. */
  admit(caller: Caller): void {
    if ((this.byPrincipal.get(caller.principal)?.size ?? 0) >= this.config.streamsMax) {
      throw new Fault('limited', `there are ${this.config.streamsMax} open streams of this principal`, 'Close one of them.', {
        retryAfterMs: 5_000,
      });
    }
  }

  add(caller: Caller, stream: Closable): void {
    const { principal } = caller;
    const open = this.byPrincipal.get(principal) ?? new Set();
    this.byPrincipal.set(principal, open.add(stream));
    const unwatch = this.callers.watch(caller, () => stream.close());
    stream.onClose(() => {
      unwatch();
      open.delete(stream);
      if (open.size === 0) this.byPrincipal.delete(principal);
    });
  }

  /** Ends all streams of a principal: its readers come back with a credential that holds, or not at all. */
  closeOf(principal: string): void {
    for (const stream of [...(this.byPrincipal.get(principal) ?? [])]) stream.close();
  }

  beforeApplicationShutdown(): void {
    for (const principal of [...this.byPrincipal.keys()]) this.closeOf(principal);
  }
}
