import type { Channel } from '@signalbox/sdk/client/channels.js';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { channelLampOf } from '../../model/notifications.ts';
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

/** Where notifications go, and how the last message went. */
export function Channels(): ReactNode {
  const channels = useQuery(queries.channels());
  const mayTest = useMay('notifications:write');
  const columns = useMemo(() => columnsFor(mayTest), [mayTest]);
  return (
    <Panel flush>
      <Loaded query={channels} rows={4}>
        {(data) => (
          <DataTable
            label="Channels"
            columns={columns}
            rows={data}
            keyOf={({ name }) => name}
            empty={
              <Empty title="No channels yet." command="npx signalbox apply -f examples/notifications">
                A channel is an incoming webhook of Slack or Teams, a mail server, or a webhook of your own.
              </Empty>
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}

function columnsFor(mayTest: boolean): Column<Channel>[] {
  return [
    { id: 'name', header: 'Channel', width: 'minmax(130px, 1fr)', place: 'title', sortBy: ({ name }) => name, cell: ({ name }) => name },
    { id: 'state', header: 'State', width: '140px', place: 'corner', cell: (channel) => <LampWord lamp={channelLampOf(channel)} /> },
    { id: 'type', header: 'Type', width: '92px', sortBy: ({ type }) => type, cell: ({ type }) => type },
    {
      id: 'failure',
      header: 'Last failure',
      width: 'minmax(160px, 2fr)',
      cell: ({ lastFailure }) => lastFailure && <span className="quiet">{inert(lastFailure)}</span>,
    },
    { id: 'sent', header: 'Last sent', width: '96px', align: 'end', cell: ({ lastSentAt }) => <Moment at={lastSentAt} /> },
    ...(mayTest
      ? [{ id: 'test', header: 'Action', width: '112px', align: 'end' as const, cell: (channel: Channel) => <Test name={channel.name} /> }]
      : []),
  ];
}

/** What went wrong stands in the row afterwards. */
function Test({ name }: { name: string }): ReactNode {
  const channels = useQuery({ ...queries.channels(), enabled: false });
  const tell = useTell();
  const doing = useMutation({
    mutationFn: () => client.channels.test(name),
    onSuccess: ({ tookMs }) => tell(`${name} took the test in ${tookMs} ms.`),
    onError: (error) => tell(error.message),
    onSettled: () => channels.refetch(),
  });
  return (
    <Button small isPending={doing.isPending} onPress={() => doing.mutate()} aria-label={`Test ${name}`}>
      Test
    </Button>
  );
}
