import type { Run } from '@signalbox/sdk/client/runs.js';
import type { ReactNode } from 'react';
import { lampOf } from '../../model/lamps.ts';
import { isOver, problemText, runSpanMs } from '../../model/run.ts';
import { shortenMiddle } from '../../model/text.ts';
import { formatSpan, formatWholeSpan } from '../../model/time.ts';
import { useNow } from '../../parts/clock.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import styles from './runs.module.css';

const columns: readonly Column<Run>[] = [
  {
    id: 'workflow',
    header: 'Workflow',
    width: 'minmax(190px, 1.4fr)',
    place: 'title',
    cell: ({ workflow, id }) => (
      <>
        {workflow} <code className={styles.id}>{shortenMiddle(id, 14)}</code>
      </>
    ),
  },
  { id: 'status', header: 'Status', width: '112px', place: 'corner', cell: ({ status }) => <LampWord lamp={lampOf(status)} /> },
  {
    id: 'steps',
    header: 'Steps',
    width: '76px',
    cell: ({ progress }) => (progress.total > 0 ? <span className="num">{`${progress.done} of ${progress.total}`}</span> : null),
  },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(90px, 1.6fr)',
    cell: (run) => {
      const why = problemText(run.error) ?? run.reason;
      return why ? <span className={run.status === 'failed' ? styles.failed : 'quiet'}>{why}</span> : null;
    },
  },
  { id: 'took', header: 'Took', width: '84px', align: 'end', cell: (run) => <Took run={run} /> },
  { id: 'started', header: 'Started', width: '92px', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

function Took({ run }: { run: Run }): ReactNode {
  const now = useNow();
  const span = runSpanMs(run, now);
  if (span === null) return <span className="faint">–</span>;
  return isOver(run) ? formatSpan(span) : formatWholeSpan(span);
}

/** Runs, the newest first. */
export function RunsTable({ runs, onEnd, empty }: { runs: readonly Run[]; onEnd?: () => void; empty?: ReactNode }): ReactNode {
  return (
    <DataTable
      label="Runs"
      columns={columns}
      rows={runs}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => `/runs/${id}`}
      {...(onEnd && { onEnd })}
      empty={
        empty ?? (
          <Empty title="No runs yet." command="npx signalbox run repository-report --follow">
            A run is one execution of a workflow, or one call to an agent.
          </Empty>
        )
      }
    />
  );
}
