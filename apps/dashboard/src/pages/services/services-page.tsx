import type { ServiceStatus } from '@signalbox/sdk/client/system.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { formatBytes, listed } from '../../model/text.ts';
import { formatSpan } from '../../model/time.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';

/** What each service is for, in the words of the architecture. */
const purposes: Record<string, string> = {
  'api-gateway': 'The only public door: REST, MCP, OpenAI, events, this dashboard',
  registry: 'Who exists, who is healthy, deployments and their boards',
  'mcp-server': 'Supervises MCP servers and calls their tools',
  protocol: 'Speaks to models and to agents that are called',
  context: 'Threads, shared state and artifacts',
  execution: 'Runs workflows durably and hands tasks to workers',
  security: 'Who may do what, and the proof of what was done',
};

const columns: readonly Column<ServiceStatus>[] = [
  {
    id: 'name',
    header: 'Service',
    width: 'minmax(130px, 0.8fr)',
    place: 'title',
    sortBy: ({ name }) => name,
    cell: ({ name }) => <strong>{name}</strong>,
  },
  {
    id: 'status',
    header: 'Status',
    width: '96px',
    place: 'corner',
    sortBy: ({ status }) => status,
    cell: ({ status }) => <LampWord lamp={lampOf(status)} />,
  },
  {
    id: 'about',
    header: 'About',
    width: 'minmax(180px, 2fr)',
    cell: ({ name, status, detail }) => (
      <span className="quiet">{status !== 'up' ? (detail ?? 'It does not answer.') : (purposes[name] ?? detail)}</span>
    ),
  },
  {
    id: 'latency',
    header: 'Answers in',
    width: '94px',
    align: 'end',
    sortBy: ({ latencyMs }) => latencyMs ?? null,
    cell: ({ latencyMs }) => (typeof latencyMs !== 'number' ? null : formatSpan(latencyMs)),
  },
  {
    id: 'memory',
    header: 'Memory',
    width: '94px',
    align: 'end',
    sortBy: ({ memoryBytes }) => memoryBytes ?? null,
    cell: ({ memoryBytes }) => (typeof memoryBytes !== 'number' ? null : formatBytes(memoryBytes)),
  },
  {
    id: 'uptime',
    header: 'Up for',
    width: '104px',
    align: 'end',
    sortBy: ({ uptimeS }) => uptimeS ?? null,
    cell: ({ uptimeS }) => (typeof uptimeS !== 'number' ? null : formatSpan(uptimeS * 1000)),
  },
  { id: 'version', header: 'Version', width: '80px', align: 'end', cell: ({ version }) => version },
];

/** The processes that Signalbox itself is made of. */
export default function ServicesPage(): ReactNode {
  const services = useQuery(queries.services());
  return (
    <Page title="Services" sentence={services.data && sentenceOf(services.data)}>
      <Panel flush>
        <Loaded query={services} rows={7}>
          {(data) => <DataTable label="Services" columns={columns} rows={data} keyOf={({ name }) => name} />}
        </Loaded>
      </Panel>
    </Page>
  );
}

function sentenceOf(services: readonly ServiceStatus[]): string {
  const down = services.filter(({ status }) => status === 'down').map(({ name }) => name);
  if (down.length > 0) return `${listed(down)} ${down.length === 1 ? 'does' : 'do'} not answer; the others work on.`;
  const unwell = services.filter(({ status }) => status !== 'up').map(({ name }) => name);
  if (unwell.length > 0) return `${listed(unwell)} ${unwell.length === 1 ? 'is' : 'are'} not well.`;
  const memory = services.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  return `All ${services.length} answer${memory > 0 ? `, with ${formatBytes(memory)} of memory together` : ''}.`;
}
