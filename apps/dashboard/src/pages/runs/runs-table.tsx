import type { Run } from '@signalbox/sdk/client/runs.js';
import { useMemo, type ReactNode } from 'react';
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

/** Which runs are chosen, and how to change that. */
export interface Selection {
  ids: ReadonlySet<string>;
  set: (ids: ReadonlySet<string>) => void;
}

/** Runs, in the order they are given. */
export function RunsTable({
  runs,
  onEnd,
  empty,
  selection,
}: {
  runs: readonly Run[];
  onEnd?: () => void;
  empty?: ReactNode;
  selection?: Selection;
}): ReactNode {
  const shown = useMemo(() => (selection ? [selectColumn(runs, selection), ...columns] : columns), [runs, selection]);
  return (
    <DataTable
      label="Runs"
      columns={shown}
      {...(selection && { isSelected: ({ id }: Run) => selection.ids.has(id) })}
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

function selectColumn(runs: readonly Run[], { ids, set }: Selection): Column<Run> {
  const isAll = runs.length > 0 && runs.every(({ id }) => ids.has(id));
  return {
    id: 'select',
    header: 'Select',
    width: '24px',
    head: (
      <label className={styles.check}>
        <span className="visually-hidden">Select all that are shown</span>
        <input type="checkbox" checked={isAll} onChange={() => set(new Set(isAll ? [] : runs.map(({ id }) => id)))} />
      </label>
    ),
    cell: ({ id, workflow }) => (
      <label className={styles.check}>
        <span className="visually-hidden">{`Select the run ${shortenMiddle(id, 14)} of ${workflow}`}</span>
        <input
          type="checkbox"
          checked={ids.has(id)}
          onChange={(event) => set(new Set(event.target.checked ? [...ids, id] : [...ids].filter((other) => other !== id)))}
        />
      </label>
    ),
  };
}
