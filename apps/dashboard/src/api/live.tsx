import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { EventStream, type StreamState } from './event-stream.ts';
import { staleAfter, type QueryKey } from './invalidation.ts';

interface Live {
  state: StreamState;
  retryNow: () => void;
}

const LiveContext = createContext<Live>({ state: { kind: 'connecting' }, retryNow: () => undefined });

/** Whether news arrive, and the lever to try again at once. */
export function useLive(): Live {
  return use(LiveContext);
}

/** Changes that arrive within this time are read together: a busy run changes many times a second. */
const gatherMs = 200;

/** Opens the tab's one stream of system events and makes the queries old that they concern. */
export function LiveProvider({ children }: { children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>({ kind: 'connecting' });
  const stream = useRef<EventStream | null>(null);

  useEffect(() => {
    const gather = gatherer(client);
    const opened = new EventStream({
      url: '/api/v1/events',
      onEvent: ({ event, data }) => gather.add(staleAfter(event, parsed(data))),
      onState: setState,
      onGap: () => void client.invalidateQueries({}, { cancelRefetch: false }),
      onSignedOut: () => void client.invalidateQueries({ queryKey: ['whoami'] }),
    });
    stream.current = opened;
    const forget = pauseWhileHidden(opened);
    const online = (): void => opened.retryNow();
    window.addEventListener('online', online);
    return () => {
      forget();
      window.removeEventListener('online', online);
      opened.close();
      gather.stop();
    };
  }, [client]);

  const live = useMemo(() => ({ state, retryNow: () => stream.current?.retryNow() }), [state]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

/** A tab that is hidden for this long lets go of its streams. */
const hiddenMs = 20_000;

/** Pauses a stream while its tab is hidden. Gives the function that stops watching. */
export function pauseWhileHidden(stream: EventStream): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const look = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (document.hidden) timer = setTimeout(() => stream.pause(), hiddenMs);
    else stream.resume();
  };
  document.addEventListener('visibilitychange', look);
  return () => {
    if (timer) clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

/** Gathers keys for a moment, then reads them anew. What is being read now waits for its answer, which may be older than the event. */
export function gatherer(client: QueryClient): { add: (keys: readonly QueryKey[]) => void; stop: () => void } {
  const waiting = new Map<string, QueryKey>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const flush = (): void => {
    timer = null;
    for (const [name, queryKey] of waiting) {
      if (client.isFetching({ queryKey }) > 0) continue;
      waiting.delete(name);
      void client.invalidateQueries({ queryKey });
    }
    if (waiting.size > 0) timer = setTimeout(flush, gatherMs);
  };
  return {
    add: (keys) => {
      for (const key of keys) waiting.set(JSON.stringify(key), key);
      if (waiting.size > 0) timer ??= setTimeout(flush, gatherMs);
    },
    stop: () => {
      if (timer) clearTimeout(timer);
    },
  };
}
