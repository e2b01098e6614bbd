import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import { useMemo, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import type { WholeRun } from '../../api/shapes.ts';
import { lampOf } from '../../model/lamps.ts';
import { isOver } from '../../model/run.ts';
import { eventStatus, eventText, isTrouble } from '../../model/run-events.ts';
import { inert } from '../../model/text.ts';
import { formatClock, formatExact } from '../../model/time.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampSign } from '../../parts/lamp.tsx';
import { Placeholder } from '../../parts/loaded.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import styles from './run.module.css';

interface EventsViewProps {
  run: WholeRun;
  log: { events: readonly RunEvent[]; isLoaded: boolean; error: unknown };
  hrefOf: (step: string) => { search: string };
}

type Numbered = RunEvent & { number: number };

/** Everything that was recorded of a run, the newest first. */
export function EventsView({ run, log, hrefOf }: EventsViewProps): ReactNode {
  const [search, setSearch] = useSearchParams();
  const q = search.get('q') ?? '';
  const onlyTrouble = search.get('only') === 'trouble';
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(search);
    if (value === '') next.delete(name);
    else next.set(name, value);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const rows = useMemo(() => {
    const wanted = q.toLowerCase();
    return log.events
      .map((event, number): Numbered => ({ ...event, number }))
      .filter(
        (event) =>
          (!onlyTrouble || isTrouble(event)) &&
          (wanted === '' || `${event.step ?? ''} ${event.type} ${eventText(event)}`.toLowerCase().includes(wanted)),
      )
      .toReversed();
  }, [log.events, q, onlyTrouble]);
  const columns = useMemo<readonly Column<Numbered>[]>(
    () => [
      {
        id: 'at',
        header: 'At',
        width: '116px',
        place: 'corner',
        cell: ({ at }) => (
          <time dateTime={at} title={formatExact(at)}>
            {formatClock(at)}
          </time>
        ),
      },
      {
        id: 'step',
        header: 'Step',
        width: 'minmax(120px, 1fr)',
        place: 'title',
        cell: (event) => (
          <span className={styles.eventStep}>
            <LampSign lamp={lampOf(eventStatus(event))} size={14} alone />
            {event.step ? (
              <Link to={hrefOf(event.step)} replace preventScrollReset>
                {event.step}
              </Link>
            ) : (
              'the run'
            )}
          </span>
        ),
      },
      { id: 'what', header: 'What happened', width: 'minmax(160px, 2.4fr)', cell: (event) => inert(eventText(event)) },
      {
        id: 'seq',
        header: 'Number',
        width: '70px',
        align: 'end',
        place: 'hidden',
        cell: ({ seq }) => <span className="faint">{seq}</span>,
      },
    ],
    [hrefOf],
  );
  return (
    <>
      <div className={styles.eventFilters}>
        <SearchField value={q} onChange={(text) => set('q', text)} label="Search events" placeholder="Step, instance or words" />
        <label className={styles.check}>
          <input type="checkbox" checked={onlyTrouble} onChange={(event) => set('only', event.target.checked ? 'trouble' : '')} />
          Only trouble
        </label>
      </div>
      <Panel title="Events" note={isOver(run) ? rows.length : `${rows.length}, following`} flush>
        {log.error !== null && log.error !== undefined && !log.isLoaded ? (
          <ProblemNote error={log.error} />
        ) : !log.isLoaded ? (
          <Placeholder rows={10} />
        ) : (
          <DataTable
            label="Events of the run"
            columns={columns}
            rows={rows}
            keyOf={({ number }) => String(number)}
            empty={<Empty title={q || onlyTrouble ? 'No event matches.' : 'Nothing has happened yet.'} />}
          />
        )}
      </Panel>
    </>
  );
}
