import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { formatSpan } from '../../model/time.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import styles from './run.module.css';

/** The run as it stood after the event that the address names in `at`; null: as it stands now. */
export function usePast(run: WholeRun): { past: WholeRun | null; at: number | null; error: unknown } {
  const [search] = useSearchParams();
  const asked = search.get('at') ?? '';
  const at = /^\d{1,9}$/.test(asked) ? Number(asked) : null;
  const state = useQuery({ ...queries.runState(run.id, at ?? 0), enabled: at !== null, placeholderData: keepPreviousData });
  const past = useMemo(() => {
    if (at === null || !state.data) return null;
    // What was open then ends at that moment, so that the timeline stops there.
    return { ...state.data, endedAt: state.data.endedAt ?? state.data.at };
  }, [at, state.data]);
  return { past, at, error: at === null ? null : state.error };
}

/** Moves through what happened: everything below shows the run as it stood then. */
export function History({
  run,
  events,
  at,
  error,
}: {
  run: WholeRun;
  events: readonly RunEvent[];
  at: number | null;
  error: unknown;
}): ReactNode {
  const [search, setSearch] = useSearchParams();
  const moments = useMemo(() => events.filter(({ type }) => type !== 'step.progress'), [events]);
  const set = (seq: number | null): void => {
    const next = new URLSearchParams(search);
    if (seq === null) next.delete('at');
    else next.set('at', String(seq));
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const last = moments.at(-1);
  if (moments.length < 2 || last === undefined) return null;
  if (at === null) {
    return (
      <div className={styles.history}>
        <Button kind="quiet" small onPress={() => set(last.seq)}>
          Look back in time
        </Button>
      </div>
    );
  }
  const index = Math.max(
    0,
    moments.findLastIndex(({ seq }) => seq <= at),
  );
  const moment = moments[index] ?? last;
  const text = `${moment.type}${moment.step ? ` ${moment.step}` : ''}`;
  const since = formatSpan(Math.max(0, Date.parse(moment.at) - Date.parse(run.startedAt ?? run.createdAt)));
  return (
    <div className={styles.history}>
      <input
        type="range"
        min={0}
        max={moments.length - 1}
        value={index}
        aria-label="Moment in the run"
        aria-valuetext={`after ${text}, ${since} after the start`}
        onChange={(event) => set(moments[Number(event.target.value)]?.seq ?? last.seq)}
      />
      <span>
        As it stood after <strong>{text}</strong>, <span className="num">{since}</span> after the start
      </span>
      <Button small onPress={() => set(null)}>
        Back to now
      </Button>
      {error !== null && error !== undefined && <ProblemNote error={error} />}
    </div>
  );
}
