import type { Limit, LimitQuery } from '@signalbox/sdk/client/limits.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo, type ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { kindWords, limitId, limitsSentence, rateText, runningText, shareTaken } from '../../model/limits.ts';
import { shortenMiddle } from '../../model/text.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Progress } from '../../parts/progress.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import { useFilter } from '../../routing/filter.ts';
import styles from './limits.module.css';

const tabs = [
  { id: 'all', label: 'All' },
  { id: 'waiting', label: 'Waiting' },
  { id: 'runs', label: 'Runs' },
  { id: 'limits', label: 'Steps' },
  { id: 'agents', label: 'Agents' },
];
const filters: Record<string, LimitQuery> = {
  waiting: { waiting: true },
  runs: { kind: 'runs' },
  limits: { kind: 'limit' },
  agents: { kind: 'agent' },
};

/** What is under way and what waits in each limit and queue, and who has the places: as it stands now. */
export default function LimitsPage(): ReactNode {
  const { q, setQ } = useFilter();
  const tab = useTab(tabs);
  const limits = useInfiniteQuery(queries.limits({ ...filters[tab], ...(q && { q }) }));
  const rows = useMemo(() => limits.data?.pages.flatMap(({ data }) => data), [limits.data]);
  const last = limits.data?.pages.at(-1);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = limits;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const isFiltered = q !== '' || tab !== 'all';
  return (
    <Page
      title="Limits"
      sentence={rows && last && limitsSentence(rows, last.calls, last.missing)}
      tabs={<Tabs tabs={tabs} label="Which limits and queues" />}
    >
      <SearchField value={q} onChange={setQ} label="Search limits" placeholder="Name or key" />
      <Panel flush>
        <Loaded query={{ ...limits, data: rows }} rows={5}>
          {(data) => (
            <DataTable
              label="Limits and queues"
              columns={columns}
              rows={data}
              keyOf={limitId}
              onEnd={onEnd}
              empty={
                isFiltered ? (
                  <Empty title={tab === 'waiting' && q === '' ? 'Nothing waits for a place.' : 'No limit or queue in use matches.'} />
                ) : (
                  <Empty title="Nothing is under way.">
                    Queues of agents, models and servers are here while they have work; limits that workflows name, with their keys, while
                    they are used.
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

const columns: readonly Column<Limit>[] = [
  {
    id: 'name',
    header: 'Limit or queue',
    width: 'minmax(160px, 1.2fr)',
    place: 'title',
    sortBy: limitId,
    cell: ({ kind, name, key }) => (
      <span className={styles.name}>
        {kind === 'agent' ? <Link to={`/agents/${encodeURIComponent(name)}`}>{name}</Link> : name || kindWords[kind]}
        {key && <span className="quiet"> {key}</span>}
      </span>
    ),
  },
  {
    id: 'kind',
    header: 'Kind',
    width: '84px',
    place: 'corner',
    sortBy: ({ kind }) => kind,
    cell: ({ kind }) => <span className="quiet">{kindWords[kind]}</span>,
  },
  {
    id: 'running',
    header: 'Under way',
    width: '190px',
    sortBy: ({ running }) => running,
    cell: (limit) => <Running limit={limit} />,
  },
  {
    id: 'waiting',
    header: 'Waiting',
    width: '84px',
    align: 'end',
    sortBy: ({ waiting }) => waiting,
    cell: ({ waiting }) => <span className={waiting > 0 ? 'num' : 'num quiet'}>{waiting}</span>,
  },
  {
    id: 'oldest',
    header: 'Since',
    width: '92px',
    sortBy: ({ oldestAt }) => oldestAt,
    cell: ({ oldestAt }) => oldestAt && <Moment at={oldestAt} />,
  },
  {
    id: 'rate',
    header: 'Rate',
    width: 'minmax(120px, 0.9fr)',
    cell: ({ rate }) =>
      rate && (
        <span title={rateText(rate)}>
          <span className="num">{rate.left}</span> left <span className="quiet">of {rateText(rate)}</span>
          {rate.nextAt !== null && (
            <span className="quiet">
              , next <Moment at={rate.nextAt} />
            </span>
          )}
        </span>
      ),
  },
  {
    id: 'holders',
    header: 'Held by',
    width: 'minmax(170px, 1.3fr)',
    cell: (limit) => <Holders limit={limit} />,
  },
];

function Running({ limit }: { limit: Limit }): ReactNode {
  const share = shareTaken(limit);
  const text = runningText(limit);
  return (
    <span className={styles.running}>
      <span className="num">{text}</span>
      {share !== null && (
        <Progress share={share} tone={share === 1 && limit.waiting > 0 ? 'caution' : 'clear'} label={`${text} places taken`} />
      )}
    </span>
  );
}

function Holders({ limit: { holders, running } }: { limit: Limit }): ReactNode {
  if (running === 0) return null;
  const shown = holders.slice(0, 2);
  return (
    <span className={styles.holders}>
      {shown.map(({ run, step, since }) => (
        <span key={`${run} ${step}`}>
          <Link to={`/runs/${run}`} title={run}>
            {shortenMiddle(run)}
          </Link>{' '}
          {step}
          {since !== null && (
            <span className="quiet">
              {' '}
              <Moment at={since} />
            </span>
          )}
        </span>
      ))}
      {running > shown.length && (
        <span className="quiet">{shown.length === 0 ? `${running} under way` : `and ${running - shown.length} more`}</span>
      )}
    </span>
  );
}
