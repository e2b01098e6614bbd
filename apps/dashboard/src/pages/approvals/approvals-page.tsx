import type { Approval, ApprovalQuery } from '@signalbox/sdk/client/approvals.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { answerersText, approvalLampOf, approvalViews, leftText } from '../../model/approvals.ts';
import { counted, inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { useNow } from '../../parts/clock.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import filters from '../runs/runs.module.css';
import styles from './approvals.module.css';

/** What workflows ask of people: the open ones first, filtered by the address, loaded as one scrolls. */
export default function ApprovalsPage(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const asked = search.get('view');
  const view = approvalViews.find(({ id }) => id === asked) ?? approvalViews[0];
  const mine = search.get('mine') === 'true';
  const workflow = search.get('workflow') ?? '';
  const q = search.get('q') ?? '';
  const query = useMemo<ApprovalQuery>(
    () => ({
      ...(view.statuses.length > 0 && { status: view.statuses }),
      ...(mine && { mine }),
      ...(workflow && { workflow }),
      ...(q && { q }),
    }),
    [view, mine, workflow, q],
  );
  const approvals = useInfiniteQuery(queries.approvals(query));
  const rows = useMemo(() => approvals.data?.pages.flatMap(({ data }) => data), [approvals.data]);
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(search);
    if (value === '') next.delete(name);
    else next.set(name, value);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = approvals;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const isNarrowed = mine || workflow !== '' || q !== '';

  return (
    <Page title="Approvals" sentence={rows && sentenceOf(rows, view.id, hasNextPage, isNarrowed)}>
      <div className={filters.filters}>
        <SearchField value={q} onChange={(text) => set('q', text)} label="Search approvals" placeholder="Message, workflow or step" />
        <fieldset className={filters.statuses}>
          <legend className="visually-hidden">Which</legend>
          {approvalViews.map(({ id, label }) => (
            <label key={id} className={filters.status}>
              <input type="radio" name="view" checked={view.id === id} onChange={() => set('view', id === 'open' ? '' : id)} />
              {label}
            </label>
          ))}
        </fieldset>
        <label className={filters.status}>
          <input type="checkbox" checked={mine} onChange={(event) => set('mine', event.target.checked ? 'true' : '')} />
          Mine
        </label>
        {isNarrowed && (
          <Button kind="quiet" small onPress={() => setSearch({}, { replace: true })}>
            Clear filters
          </Button>
        )}
      </div>
      <Panel flush>
        <Loaded query={{ ...approvals, data: rows }} rows={8}>
          {(data) => (
            <DataTable
              label="Approvals"
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              hrefOf={({ id }) => `/approvals/${id}`}
              onEnd={onEnd}
              empty={
                isNarrowed ? (
                  <Empty title="No approval matches these filters." />
                ) : (
                  <Empty title={view.id === 'open' ? 'Nothing waits for a person.' : 'There are none of these.'}>
                    A step with “approval” asks here before its run goes on; the page on workflow files says how.
                  </Empty>
                )
              }
            />
          )}
        </Loaded>
        {isFetchingNextPage && <p className={filters.more}>Loading more.</p>}
      </Panel>
    </Page>
  );
}

function sentenceOf(rows: readonly Approval[], view: string, hasMore: boolean, isNarrowed: boolean): string {
  const count = `${counted(rows.length, 'approval')}${hasMore ? ' and more' : ''}`;
  if (isNarrowed) return `${count} match, the newest first.`;
  if (rows.length === 0) return view === 'open' ? 'Nothing is open.' : 'None of these.';
  if (view !== 'open') return `${count}, the newest first.`;
  const mine = rows.filter(({ mayAnswer }) => mayAnswer).length;
  return `${count} open, ${mine === rows.length ? 'all for you to answer' : mine === 0 ? 'none for you to answer' : `${mine} for you to answer`}.`;
}

const columns: readonly Column<Approval>[] = [
  {
    id: 'message',
    header: 'Asked',
    width: 'minmax(220px, 2.4fr)',
    place: 'title',
    cell: ({ message, status, remindedAt }) => (
      <>
        <span className={styles.message}>{inert(message)}</span>
        {status === 'open' && remindedAt !== null && (
          <span className="quiet">
            {' '}
            reminded <Moment at={remindedAt} />
          </span>
        )}
      </>
    ),
  },
  { id: 'status', header: 'Status', width: '118px', place: 'corner', cell: ({ status }) => <LampWord lamp={approvalLampOf(status)} /> },
  {
    id: 'workflow',
    header: 'Workflow',
    width: 'minmax(120px, 1fr)',
    cell: ({ workflow, label }) => (
      <>
        {workflow} <span className="quiet">{label}</span>
      </>
    ),
  },
  {
    id: 'by',
    header: 'By',
    width: 'minmax(120px, 1fr)',
    cell: ({ status, by, answeredBy }) =>
      status === 'open' ? <span className="quiet">{answerersText(by)}</span> : (answeredBy?.name ?? <span className="faint">nobody</span>),
  },
  { id: 'left', header: 'Time left', width: '116px', align: 'end', cell: (approval) => <Left approval={approval} /> },
  { id: 'asked', header: 'When', width: '92px', align: 'end', cell: ({ askedAt }) => <Moment at={askedAt} /> },
];

function Left({ approval }: { approval: Approval }): ReactNode {
  const left = leftText(approval, useNow());
  return left === null ? <span className="faint">–</span> : <span className="num">{left}</span>;
}
