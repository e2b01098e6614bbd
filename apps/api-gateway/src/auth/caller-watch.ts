import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { RevocationWatch } from '@signalbox/shared/identity/revocation-watch.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** How often it is looked whether credentials of long answers have expired; revocations are told at once. */
const lookEveryMs = 3_000;

interface Watched {
  caller: Caller;
  onEnd: () => void;
}

/** Ends what was opened with a credential (streams, sockets) when the credential ends: revoked, expired, or its principal has other rights. */
@Injectable()
export class CallerWatch implements OnModuleInit, OnApplicationShutdown {
  private readonly watched = new Set<Watched>();
  private timer: NodeJS.Timeout | null = null;
  private readonly unhear: () => void;

  constructor(revocations: RevocationWatch) {
    this.unhear = revocations.onRevoked((id) => this.end(({ caller }) => caller.credentialId === id || caller.principal === id));
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.look(), lookEveryMs);
  }

  onApplicationShutdown(): void {
    if (this.timer) clearInterval(this.timer);
    this.unhear();
  }

  /** Calls `onEnd`, once, when the caller's credential ends; until the returned function is called. */
  watch(caller: Caller, onEnd: () => void): () => void {
    const entry = { caller, onEnd };
    this.watched.add(entry);
    return () => this.watched.delete(entry);
  }

  private end(isMeant: (entry: Watched) => boolean): void {
    for (const entry of [...this.watched].filter(isMeant)) {
      this.watched.delete(entry);
      entry.onEnd();
    }
  }

  /** Asks for the identity that the caller has now: in use it is in memory, and `security` renews it before it ends. */
  private async look(): Promise<void> {
    await Promise.all(
      [...this.watched].map(async (entry) => {
        try {
          await entry.caller.tokenFor('api-gateway');
        } catch (thrown) {
          if (thrown instanceof Fault && thrown.code === 'unauthenticated') this.end((other) => other === entry);
          else log.debug('a caller was not looked after', { because: (thrown as Error).message });
        }
      }),
    );
  }
}
