import type { Subscription } from '@nats-io/transport-node';
import type { Bus } from '../bus/bus.ts';
import { messageMaxBytes } from '../bus/contract.ts';
import type { EventEnvelope } from '../bus/event-meta.ts';
import { parseJson } from '../bus/json.ts';
import { validate } from '../bus/validate.ts';
import { credentialRevoked, Revocation } from '../contracts/security/credential-revoked.ts';
import { listRevocations } from '../contracts/security/list-revocations.ts';
import { now } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';
import type { IdentityBroker } from './identity-broker.ts';
import { identityLifetimeMs, type IdentityVerifier } from './verifier.ts';

const pollEveryMs = 3_000;
/** A revocation heard twice is told once for as long as an identity from before it could live. */
const rememberMs = 3 * identityLifetimeMs;

/** Told the id that lost its rights, `key_…`, `sess_…`, `grant_…` or a principal, and when (epoch milliseconds). */
export type RevocationListener = (id: string, at: number) => void;

/** Makes revocations felt in this process: at once by the event, within 3 s by asking when the event was missed. */
export class RevocationWatch {
  private readonly listeners = new Set<RevocationListener>();
  private readonly heard = new Map<string, number>();
  private subscription: Subscription | null = null;
  private timer: NodeJS.Timeout | null = null;
  private polling: Promise<void> = Promise.resolve();
  private cursor: string | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly broker: IdentityBroker,
    private readonly verifier: IdentityVerifier,
  ) {}

  start(): void {
    this.subscription = this.bus.connection.subscribe(credentialRevoked.subject, {
      callback: (error, message) => {
        if (error) return;
        try {
          const { payload } = parseJson(message.data, messageMaxBytes) as EventEnvelope;
          this.apply(validate(Revocation, payload));
        } catch (err) {
          log.error('a revocation was not understood', { err });
        }
      },
    });
    this.timer = setInterval(() => {
      this.polling = this.poll();
    }, pollEveryMs);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.subscription?.unsubscribe();
    await this.polling;
  }

  /** Calls `listener` for each revocation, until the returned function is called. */
  onRevoked(listener: RevocationListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private async poll(): Promise<void> {
    try {
      const { data, cursor } = await this.bus.request(listRevocations, this.cursor === undefined ? {} : { cursor: this.cursor }, 'service');
      for (const revocation of data) this.apply(revocation);
      this.cursor = cursor;
    } catch (err) {
      log.debug('revocations were not read', { err }); // said by health; identities end by themselves within a minute
    }
  }

  private apply({ id, at }: Revocation): void {
    const key = `${id} ${at}`;
    if (this.heard.has(key)) return;
    this.heard.set(key, now());
    for (const [old, since] of this.heard) {
      if (since > now() - rememberMs) break;
      this.heard.delete(old);
    }
    this.broker.forget(id);
    this.verifier.revoke(id, at);
    for (const listener of this.listeners) {
      try {
        listener(id, at);
      } catch (err) {
        log.error('a listener of revocations failed', { err });
      }
    }
  }
}
