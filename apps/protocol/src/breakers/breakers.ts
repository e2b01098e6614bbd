import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  circuitBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { ProtocolConfig } from '../protocol.config.ts';
import { isTargetsFault, openFault, openMs, type BreakerTarget } from './breaker.ts';
import { BreakerStore } from './breaker.store.ts';

/** Breakers kept in memory; the least lately used and closed ones are forgotten first. */
const breakersMax = 10_000;

interface Guard {
  workspace: string;
  target: string;
  policy: CircuitBreakerPolicy;
  openings: number;
  /** Epoch milliseconds of this process's own clock, as the policy's. */
  retryAt: number;
  reason: string | null;
  /** Changes are written one after the other. */
  writing: Promise<void>;
}

/** One circuit breaker a target: after failures in a row calls fail at once, until one that is let through succeeds. */
@Injectable()
export class Breakers implements OnModuleInit, BeforeApplicationShutdown {
  private readonly guards = new Map<string, Guard>();

  constructor(
    private readonly store: BreakerStore,
    private readonly config: ProtocolConfig,
  ) {}

  /** Takes over what the last process knew: a target that was down is not hammered anew. */
  async onModuleInit(): Promise<void> {
    for (const { workspace, target, openings, since, reason } of await this.store.open(breakersMax)) {
      const ownState = { value: CircuitState.Open, openedAt: since.getTime(), attemptNo: openings };
      const guard = this.make(workspace, target, { ownState, breakerState: this.config.breakerFailures });
      guard.openings = openings;
      guard.retryAt = since.getTime() + openMs(openings, this.config.breakerOpenMs);
      guard.reason = reason;
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.guards.values()].map(({ writing }) => writing));
  }

  /** Makes a call, or rejects at once with `unavailable` and when to come back. */
  async call<T>(workspace: string, target: BreakerTarget, work: () => Promise<T>): Promise<T> {
    const guard = this.guardOf(workspace, target);
    // While one call tries whether the target is back, others do not wait for it.
    if (guard.policy.state === CircuitState.HalfOpen) throw openFault(target, 1_000, guard.reason);
    try {
      return await guard.policy.execute(work);
    } catch (thrown) {
      if (thrown instanceof BrokenCircuitError) throw openFault(target, guard.retryAt - Date.now(), guard.reason);
      throw thrown;
    }
  }

  private guardOf(workspace: string, target: BreakerTarget): Guard {
    const key = keyOf(workspace, target);
    const known = this.guards.get(key);
    if (known) {
      this.guards.delete(key); // last used, last forgotten
      this.guards.set(key, known);
      return known;
    }
    if (this.guards.size >= breakersMax) {
      for (const [oldest, { policy }] of this.guards) {
        if (policy.state !== CircuitState.Closed) continue;
        this.guards.delete(oldest);
        break;
      }
    }
    return this.make(workspace, target);
  }

  private make(workspace: string, target: string, initialState?: unknown): Guard {
    const { breakerFailures, breakerOpenMs } = this.config;
    const policy = circuitBreaker(handleWhen(isTargetsFault), {
      breaker: new ConsecutiveBreaker(breakerFailures),
      halfOpenAfter: new DelegateBackoff(({ attempt, result }) => {
        const askedMs = 'error' in result && result.error instanceof Fault ? result.error.retryAfterMs : undefined;
        return openMs(attempt, breakerOpenMs, askedMs);
      }),
      ...(initialState !== undefined && { initialState }),
    });
    const guard: Guard = { workspace, target, policy, openings: 0, retryAt: 0, reason: null, writing: Promise.resolve() };
    this.guards.set(keyOf(workspace, target), guard);
    policy.onBreak((failure) => {
      const fault = 'error' in failure && failure.error instanceof Fault ? failure.error : null;
      guard.openings++;
      guard.retryAt = Date.now() + openMs(guard.openings, breakerOpenMs, fault?.retryAfterMs);
      guard.reason = fault && `${fault.code}: ${fault.detail}`.slice(0, 500);
      this.write(guard, 'open');
    });
    policy.onHalfOpen(() => this.write(guard, 'half-open'));
    policy.onReset(() => {
      guard.openings = 0;
      guard.reason = null;
      this.write(guard, 'closed');
    });
    return guard;
  }

  private write(guard: Guard, state: 'closed' | 'open' | 'half-open'): void {
    const { workspace, target, openings, retryAt, reason } = guard;
    log.info('a breaker changed', { target, workspace, state });
    const change = { target, state, openings, since: new Date(), retryAt: state === 'open' ? new Date(retryAt) : null, reason };
    guard.writing = guard.writing
      .then(() => this.store.save(workspace, change))
      .catch((err: unknown) => log.warn('a breaker was not written', { target, state, err }));
  }
}

function keyOf(workspace: string, target: string): string {
  return `${workspace} ${target}`;
}
