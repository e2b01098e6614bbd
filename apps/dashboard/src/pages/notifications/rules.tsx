import type { NotificationRule } from '@signalbox/sdk/client/notification-rules.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { tellsOf } from '../../model/notifications.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';

/** What is told to which channels, and when the next digest or review is due. */
export function Rules(): ReactNode {
  const rules = useQuery(queries.notificationRules());
  return (
    <Panel flush>
      <Loaded query={rules} rows={4}>
        {(data) => (
          <DataTable
            label="Notification rules"
            columns={columns}
            rows={data}
            keyOf={({ name }) => name}
            empty={
              <Empty title="No rules yet." command="npx signalbox apply -f examples/notifications">
                A rule says which events go to which channels, when a digest is sent, and when agents are to be signed off.
              </Empty>
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}

const columns: readonly Column<NotificationRule>[] = [
  { id: 'name', header: 'Rule', width: 'minmax(130px, 1fr)', place: 'title', sortBy: ({ name }) => name, cell: ({ name }) => name },
  { id: 'tells', header: 'Tells', width: 'minmax(160px, 2fr)', cell: (rule) => tellsOf(rule) },
  { id: 'channels', header: 'To', width: 'minmax(120px, 1fr)', cell: ({ channels }) => channels.join(', ') },
  {
    id: 'next',
    header: 'Next',
    width: '120px',
    align: 'end',
    cell: ({ nextAt }) => (nextAt === null ? <span className="quiet">as it happens</span> : <Moment at={nextAt} />),
  },
  { id: 'by', header: 'By', width: '96px', cell: ({ appliedBy }) => <span className="quiet">{appliedBy}</span> },
];
