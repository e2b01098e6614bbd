import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { client } from '../../api/client.ts';
import { EventStream } from '../../api/event-stream.ts';
import { gatherer, pauseWhileHidden } from '../../api/live.tsx';
import { merged } from '../../model/run-events.ts';

/** Events kept in the page; a longer run is read by the command line. */
const eventsMax = 20_000;
/** Events that arrive within this time are shown together. */
const gatherMs = 120;

/**
 * What happened in a run: what is recorded, then, while it goes on, what happens. Each event also makes the run's own queries old, so that its
 * steps are read anew. This is the one stream beside the tab's own, and it lives only while a going run is looked at: the system's stream
 * tells of a run's start and end, and no more.
 */
export function useRunEvents(id: string, isGoing: boolean): { events: readonly RunEvent[]; isLoaded: boolean; error: unknown } {
  const queryClient = useQueryClient();
  const recorded = useQuery({
    // Read once more when it has ended: then it is all that will ever be.
    queryKey: ['run-events', id, isGoing],
    queryFn: ({ signal }) => client.runs.events(id, { limit: 200 }, { signal }).take(eventsMax),
    staleTime: Infinity,
    gcTime: 60_000,
    placeholderData: (known, query) => (query?.queryKey[1] === id ? known : undefined),
  });
  const [arrived, setArrived] = useState<readonly RunEvent[]>([]);
  const start = recorded.data;
  const lastSeq = start ? Math.max(-1, ...start.map(({ seq }) => seq)) : null;

  useEffect(() => setArrived([]), [id, lastSeq]);
  useEffect(() => {
    if (!isGoing || lastSeq === null) return;
    const gather = gatherer(queryClient);
    let waiting: RunEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    const show = (): void => {
      timer = null;
      const batch = waiting;
      waiting = [];
      setArrived((known) => merged(known, batch).slice(-eventsMax));
    };
    const stream = new EventStream({
      url: `/api/v1/runs/${encodeURIComponent(id)}/events`,
      ...(lastSeq >= 0 && { lastEventId: String(lastSeq) }),
      onEvent: ({ data }) => {
        const event = parsed(data);
        if (!event) return;
        waiting.push(event);
        timer ??= setTimeout(show, gatherMs);
        // Progress changes no step's state.
        if (event.type !== 'step.progress') gather.add([['run', id]]);
        if (/^run\.(?:succeeded|failed|cancelled)$/.test(event.type)) stream.close();
      },
      onState: () => undefined,
    });
    const forget = pauseWhileHidden(stream);
    return () => {
      forget();
      stream.close();
      gather.stop();
      if (timer) {
        clearTimeout(timer);
        show();
      }
    };
  }, [id, isGoing, lastSeq, queryClient]);

  const events = useMemo(() => merged(start ?? [], arrived), [start, arrived]);
  return { events, isLoaded: start !== undefined, error: recorded.error };
}

function parsed(data: string): RunEvent | null {
  try {
    return JSON.parse(data) as RunEvent;
  } catch {
    return null;
  }
}
