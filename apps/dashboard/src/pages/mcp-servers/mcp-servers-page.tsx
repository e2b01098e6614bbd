import type { McpServer } from '@signalbox/sdk/client/mcp-servers.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { serverLampOf } from '../../model/lamps.ts';
import { countsSentence } from '../../model/summary.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import styles from './mcp-servers.module.css';

const urgency = ['failed', 'degraded', 'starting', 'stopped', 'ready'];

const columns: readonly Column<McpServer>[] = [
  { id: 'name', header: 'Server', width: 'minmax(160px, 1.2fr)', place: 'title', sortBy: ({ name }) => name, cell: ({ name }) => name },
  {
    id: 'status',
    header: 'Status',
    width: '118px',
    place: 'corner',
    sortBy: ({ status }) => urgency.indexOf(status),
    cell: ({ status }) => <LampWord lamp={serverLampOf(status)} />,
  },
  {
    id: 'transport',
    header: 'Transport',
    width: '126px',
    sortBy: ({ transport }) => transport,
    cell: ({ transport }) => <span className="quiet">{transport}</span>,
  },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(140px, 1.8fr)',
    cell: ({ statusReason, nextAttemptAt }) =>
      statusReason || nextAttemptAt ? (
        <span className={styles.why}>
          {statusReason}
          {nextAttemptAt && (
            <span className="quiet">
              {' '}
              Tried again <Moment at={nextAttemptAt} />.
            </span>
          )}
        </span>
      ) : null,
  },
  {
    id: 'containment',
    header: 'Containment',
    width: '108px',
    sortBy: ({ containment }) => containment ?? null,
    cell: ({ containment }) => (containment ? <span className="quiet">{containment}</span> : null),
  },
  { id: 'tools', header: 'Tools', width: '62px', align: 'end', sortBy: ({ tools }) => tools, cell: ({ tools }) => tools },
  { id: 'restarts', header: 'Restarts', width: '78px', align: 'end', sortBy: ({ restarts }) => restarts, cell: ({ restarts }) => restarts },
  { id: 'started', header: 'Started', width: '96px', align: 'end', cell: ({ startedAt }) => <Moment at={startedAt} absent="–" /> },
];

/** The upstream MCP servers and how they stand. */
export default function McpServersPage(): ReactNode {
  const servers = useQuery(queries.mcpServers());
  return (
    <Page title="MCP servers" sentence={servers.data && countsSentence(servers.data, urgency, 'No MCP server is connected.')}>
      <Panel flush>
        <Loaded query={servers} rows={5}>
          {(data) => (
            <DataTable
              label="MCP servers"
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              hrefOf={({ name }) => `/mcp-servers/${encodeURIComponent(name)}`}
              empty={
                <Empty title="No MCP servers yet." command="npx signalbox apply -f server.yaml">
                  An MCP server offers tools: a process that Signalbox starts and watches (stdio), or one that runs elsewhere (streamable
                  HTTP).
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
