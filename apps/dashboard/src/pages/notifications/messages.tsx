import type { Notification, NotificationStatus } from '@signalbox/sdk/client/notifications.js';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { messageLampOf } from '../../model/notifications.ts';
import { inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import filters from '../runs/runs.module.css';

const choices = [
  { id: 'all', label: 'All' },
  { id: 'waiting', label: 'Waiting' },
  { id: 'sent', label: 'Sent' },
  { id: 'dead', label: 'Given up' },
] as const satisfies readonly { id: NotificationStatus | 'all'; label: string }[];

/** What was sent, waits, or was given up, the newest first, filtered by the address. */
export function Messages(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const choice = choices.find(({ id }) => id === search.get('status')) ?? choices[0];
  const messages = useInfiniteQuery(queries.notifications(choice.id === 'all' ? {} : { status: choice.id }));
  const rows = useMemo(() => messages.data?.pages.flatMap(({ data }) => data), [messages.data]);
  const mayRetry = useMay('notifications:write');
  const columns = useMemo(() => columnsFor(mayRetry), [mayRetry]);
  const choose = (id: string): void => {
    const next = new URLSearchParams(search);
    if (id === 'all') next.delete('status');
    else next.set('status', id);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = messages;
  return (
    <>
      <div className={filters.filters}>
        <fieldset className={filters.statuses}>
          <legend className="visually-hidden">Which</legend>
          {choices.map(({ id, label }) => (
            <label key={id} className={filters.status}>
              <input type="radio" name="status" checked={choice.id === id} onChange={() => choose(id)} />
              {label}
            </label>
          ))}
        </fieldset>
      </div>
      <Panel flush>
        <Loaded query={{ ...messages, data: rows }} rows={6}>
          {(data) => (
            <DataTable
              label="Messages"
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              onEnd={() => {
                if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
              }}
              empty={
                choice.id === 'all' ? (
                  <Empty title="Nothing was told yet.">
                    Messages are here for a week after they were sent, and a month if they were given up.
                  </Empty>
                ) : (
                  <Empty title="No messages of these." />
                )
              }
            />
          )}
        </Loaded>
      </Panel>
    </>
  );
}

function columnsFor(mayRetry: boolean): Column<Notification>[] {
  return [
    { id: 'title', header: 'What', width: 'minmax(200px, 2fr)', place: 'title', cell: ({ title }) => inert(title) },
    { id: 'status', header: 'Status', width: '128px', place: 'corner', cell: ({ status }) => <LampWord lamp={messageLampOf(status)} /> },
    { id: 'channel', header: 'Channel', width: 'minmax(100px, 0.7fr)', cell: ({ channel }) => channel },
    { id: 'rule', header: 'Rule', width: 'minmax(100px, 0.7fr)', cell: ({ rule }) => <span className="quiet">{rule}</span> },
    {
      id: 'failure',
      header: 'Why not',
      width: 'minmax(140px, 1.2fr)',
      cell: ({ failure }) => failure && <span className="quiet">{inert(failure)}</span>,
    },
    { id: 'created', header: 'Since', width: '96px', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
    ...(mayRetry
      ? [
          {
            id: 'retry',
            header: 'Action',
            width: '124px',
            align: 'end' as const,
            cell: (message: Notification) => (message.status === 'dead' ? <Retry message={message} /> : null),
          },
        ]
      : []),
  ];
}

function Retry({ message: { id, title } }: { message: Notification }): ReactNode {
  const all = useQueryClient();
  const tell = useTell();
  const doing = useMutation({
    mutationFn: () => client.notifications.retry(id),
    onError: (error) => tell(error.message),
    onSettled: () => all.invalidateQueries({ queryKey: ['notifications'] }),
  });
  return (
    <Button small isPending={doing.isPending} onPress={() => doing.mutate()} aria-label={`Send again: ${title}`}>
      Send again
    </Button>
  );
}
