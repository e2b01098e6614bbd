import type { RunFilter, RunProblem } from '@signalbox/sdk/client/runs.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { counted } from '../../model/text.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { useFilter } from '../../routing/filter.ts';
import { useMay } from '../../shell/who.ts';
import { BulkLever } from '../runs/bulk.tsx';
import { Operations } from '../runs/operations.tsx';
import styles from '../runs/runs.module.css';

/** Failed runs that nobody has looked after, by reason: to be done again once the cause is mended, or put aside. */
export default function ProblemsPage(): ReactNode {
  const { q, setQ } = useFilter();
  const problems = useInfiniteQuery(queries.runProblems(q));
  const rows = useMemo(() => problems.data?.pages.flatMap(({ data }) => data), [problems.data]);
  const mayAct = useMay('runs:write');
  const columns = useMemo(() => columnsFor(mayAct), [mayAct]);
  const runs = rows?.reduce((sum, { count }) => sum + count, 0) ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = problems;
  return (
    <Page
      title="Failures"
      sentence={
        rows &&
        (rows.length === 0
          ? 'Nothing that nobody has looked after.'
          : `${counted(runs, 'run')} failed for ${counted(rows.length, 'reason')}${hasNextPage ? ' and more' : ''}, and nobody has looked after them.`)
      }
    >
      <div className={styles.filters}>
        <SearchField value={q} onChange={setQ} label="Search failures" placeholder="Error, workflow or step" />
      </div>
      <Operations />
      <Panel flush>
        <Loaded query={{ ...problems, data: rows }} rows={6}>
          {(data) => (
            <DataTable
              label="Failures"
              columns={columns}
              rows={data}
              keyOf={keyOf}
              hrefOf={(problem) => `/runs?${new URLSearchParams(searchOf(problem))}`}
              onEnd={() => {
                if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
              }}
              empty={
                q ? (
                  <Empty title="No failure matches the search." />
                ) : (
                  <Empty title="No failures to look after.">
                    Runs that fail, and steps that a run goes on without, gather here by reason until they are done again or dismissed.
                  </Empty>
                )
              }
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

function keyOf({ errorCode, workflow, failedStep }: RunProblem): string {
  return `${errorCode} ${workflow} ${failedStep ?? ''}`;
}

function searchOf({ errorCode, workflow, failedStep }: RunProblem): Record<string, string> {
  return { problem: 'open', error: errorCode, workflow, ...(failedStep !== null && { step: failedStep }) };
}

function filterOf({ errorCode, workflow, failedStep }: RunProblem): RunFilter {
  return { problem: 'open', errorCode, workflow, failedStep: failedStep ?? '' };
}

function columnsFor(mayAct: boolean): Column<RunProblem>[] {
  const columns: Column<RunProblem>[] = [
    {
      id: 'reason',
      header: 'Reason',
      width: 'minmax(150px, 1fr)',
      place: 'title',
      cell: ({ errorCode, failedStep }) => (
        <>
          {errorCode}
          {failedStep !== null && <span className="quiet"> at {failedStep}</span>}
        </>
      ),
    },
    { id: 'workflow', header: 'Workflow', width: 'minmax(120px, 1fr)', cell: ({ workflow }) => workflow },
    {
      id: 'count',
      header: 'Runs',
      width: '64px',
      align: 'end',
      place: 'corner',
      cell: ({ count }) => <span className="num">{count}</span>,
    },
    {
      id: 'detail',
      header: 'The last said',
      width: 'minmax(160px, 2fr)',
      cell: ({ detail, next }) =>
        detail && (
          <span className={styles.failed} title={next ?? undefined}>
            {detail}
          </span>
        ),
    },
    { id: 'first', header: 'First', width: '88px', align: 'end', cell: ({ firstAt }) => <Moment at={firstAt} /> },
    { id: 'last', header: 'Last', width: '88px', align: 'end', cell: ({ lastAt }) => <Moment at={lastAt} /> },
  ];
  if (!mayAct) return columns;
  return [
    ...columns,
    {
      id: 'levers',
      header: 'What to do',
      width: '170px',
      align: 'end',
      cell: (problem) => (
        <span className={styles.rowLevers}>
          <BulkLever action="retry" order={{ filter: filterOf(problem) }} />
          <BulkLever action="dismiss" order={{ filter: filterOf(problem) }} />
        </span>
      ),
    },
  ];
}
