import type { Incident, IncidentQuery, IncidentStatus } from '@signalbox/sdk/client/incidents.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { incidentLampOf, severityWord } from '../../model/incidents.ts';
import { counted, inert } from '../../model/text.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import filters from '../runs/runs.module.css';

const views = [
  { id: 'all', label: 'All' },
  { id: 'open', label: 'Open' },
  { id: 'acknowledged', label: 'Acknowledged' },
  { id: 'resolved', label: 'Resolved' },
] as const satisfies readonly { id: IncidentStatus | 'all'; label: string }[];

/** What went wrong, the newest first, filtered by the address. */
export default function IncidentsPage(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const view = views.find(({ id }) => id === search.get('view')) ?? views[0];
  const agent = search.get('agent') ?? '';
  const q = search.get('q') ?? '';
  const query = useMemo<IncidentQuery>(
    () => ({ ...(view.id !== 'all' && { status: view.id }), ...(agent && { agent }), ...(q && { q }) }),
    [view, agent, q],
  );
  const incidents = useInfiniteQuery(queries.incidents(query));
  const rows = useMemo(() => incidents.data?.pages.flatMap(({ data }) => data), [incidents.data]);
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(search);
    if (value === '') next.delete(name);
    else next.set(name, value);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = incidents;
  const open = rows?.filter(({ status }) => status === 'open').length ?? 0;
  return (
    <Page
      title="Incidents"
      sentence={
        rows &&
        (rows.length === 0
          ? 'None of these.'
          : `${counted(rows.length, 'incident')}${hasNextPage ? ' and more' : ''}${agent && ` of ${agent}`}, ${open === 0 ? 'each looked after or over' : `${open} that nobody looks after yet`}.`)
      }
    >
      <div className={filters.filters}>
        <SearchField value={q} onChange={(text) => set('q', text)} label="Search incidents" placeholder="Agent or what is wrong" />
        <fieldset className={filters.statuses}>
          <legend className="visually-hidden">Which</legend>
          {views.map(({ id, label }) => (
            <label key={id} className={filters.status}>
              <input type="radio" name="view" checked={view.id === id} onChange={() => set('view', id === 'all' ? '' : id)} />
              {label}
            </label>
          ))}
        </fieldset>
      </div>
      <Panel flush>
        <Loaded query={{ ...incidents, data: rows }} rows={6}>
          {(data) => (
            <DataTable
              label="Incidents"
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              hrefOf={({ id }) => `/incidents/${id}`}
              onEnd={() => {
                if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
              }}
              empty={
                <Empty title="No incidents.">
                  Instances that are lost, isolated or given up gather here, each cause once, with what was done.
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

const columns: readonly Column<Incident>[] = [
  { id: 'title', header: 'What', width: 'minmax(200px, 2fr)', place: 'title', cell: ({ title }) => inert(title) },
  { id: 'status', header: 'Status', width: '140px', place: 'corner', cell: ({ status }) => <LampWord lamp={incidentLampOf(status)} /> },
  { id: 'severity', header: 'Severity', width: '92px', cell: ({ severity }) => severityWord(severity) },
  { id: 'faults', header: 'Faults', width: '72px', align: 'end', cell: ({ faults }) => <span className="num">{faults}</span> },
  {
    id: 'who',
    header: 'Who',
    width: 'minmax(110px, 1fr)',
    cell: ({ acknowledgedBy, onCall, owner }) => acknowledgedBy ?? onCall ?? owner ?? <span className="faint">nobody</span>,
  },
  { id: 'opened', header: 'Opened', width: '96px', align: 'end', cell: ({ openedAt }) => <Moment at={openedAt} /> },
];
