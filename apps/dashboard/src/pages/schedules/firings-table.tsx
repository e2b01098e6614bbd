import type { Firing } from '@signalbox/sdk/client/schedules.js';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { firingLamp } from '../../model/schedules.ts';
import { shortenMiddle } from '../../model/text.ts';
import { formatExact } from '../../model/time.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import styles from './schedules.module.css';

const columns: readonly Column<Firing>[] = [
  {
    id: 'time',
    header: 'Time',
    width: 'minmax(150px, 1fr)',
    place: 'title',
    cell: ({ time, until }) => (
      <span title={formatExact(time)}>
        {until === null ? (
          <Moment at={time} />
        ) : (
          <>
            {<Moment at={time} />} to {<Moment at={until} />}
          </>
        )}
      </span>
    ),
  },
  { id: 'outcome', header: 'What became of it', width: '150px', place: 'corner', cell: (firing) => <LampWord lamp={firingLamp(firing)} /> },
  {
    id: 'run',
    header: 'Run',
    width: '160px',
    cell: ({ run }) => (run === null ? null : <Link to={`/runs/${run}`}>{shortenMiddle(run, 18)}</Link>),
  },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(140px, 2fr)',
    cell: ({ reason }) => (reason === null ? null : <span className={`quiet ${styles.reason}`}>{reason}</span>),
  },
];

/** What was started, skipped and failed to start, the newest first. */
export function FiringsTable({ firings, empty }: { firings: readonly Firing[]; empty: ReactNode }): ReactNode {
  return <DataTable label="History" columns={columns} rows={firings} keyOf={({ key }) => key} empty={empty} />;
}
