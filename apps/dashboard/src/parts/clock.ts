import { useSyncExternalStore } from 'react';
import { serverNow } from '../api/client.ts';

/** One clock for all of a page's relative times, so that they change together. */
function clockOf(everyMs: number): { subscribe: (listener: () => void) => () => void; now: () => number } {
  const listeners = new Set<() => void>();
  let timer: ReturnType<typeof setInterval> | null = null;
  let current = serverNow();
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      timer ??= setInterval(() => {
        current = serverNow();
        for (const each of listeners) each();
      }, everyMs);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && timer) {
          clearInterval(timer);
          timer = null;
        }
      };
    },
    now: () => {
      // Without a running timer nothing would renew it: a first render must not show an old moment.
      if (!timer) {
        const fresh = serverNow();
        if (fresh - current >= everyMs) current = fresh;
      }
      return current;
    },
  };
}

const seconds = clockOf(1_000);
const frames = clockOf(100);
const never = { subscribe: () => () => undefined, now: () => 0 };

/** The server's time, renewed each second. */
export function useNow(): number {
  return useSyncExternalStore(seconds.subscribe, seconds.now);
}

/** The server's time, renewed ten times a second while something moves; 0 otherwise. */
export function useFastNow(isMoving: boolean): number {
  const clock = isMoving ? frames : never;
  return useSyncExternalStore(clock.subscribe, clock.now);
}
