import type { Agent } from '@signalbox/sdk/client/agents.js';
import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { stageName } from '../../model/stages.ts';
import { countsSentence } from '../../model/summary.ts';
import { counted } from '../../model/text.ts';
import { Chip } from '../../parts/chip.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { useFilter } from '../../routing/filter.ts';
import styles from './agents.module.css';

const urgency = ['failed', 'degraded', 'unknown', 'idle', 'healthy'];

const columns: readonly Column<Agent>[] = [
  {
    id: 'name',
    header: 'Agent',
    width: 'minmax(170px, 1.2fr)',
    place: 'title',
    sortBy: ({ name }) => name,
    cell: ({ name, breaker, stage }) => (
      <span className={styles.name}>
        {name}
        {stage && <Chip title="The stage of its current version">{stageName(stage).toLowerCase()}</Chip>}
        {breaker && breaker !== 'closed' && <Chip tone="stop">{breaker === 'open' ? 'calls stopped' : 'calls on trial'}</Chip>}
      </span>
    ),
  },
  {
    id: 'status',
    header: 'Status',
    width: '118px',
    place: 'corner',
    sortBy: ({ status }) => urgency.indexOf(status),
    cell: ({ status }) => <LampWord lamp={lampOf(status)} />,
  },
  { id: 'kind', header: 'Kind', width: '84px', sortBy: ({ kind }) => kind, cell: ({ kind }) => <span className="quiet">{kind}</span> },
  {
    id: 'about',
    header: 'About',
    width: 'minmax(160px, 2fr)',
    cell: ({ statusReason, status, description, skills }) =>
      statusReason && (status === 'failed' || status === 'degraded') ? (
        <span className={styles.trouble}>{statusReason}</span>
      ) : (
        <span className={styles.about}>{description || counted(skills.length, 'skill')}</span>
      ),
  },
  {
    id: 'instances',
    header: 'Instances',
    width: '158px',
    sortBy: ({ instances }) => instances.live,
    cell: ({ instances }) => (
      <span className="num quiet">
        {instances.live > 0 ? `${instances.live} live, ${instances.inFlight} of ${instances.capacity} busy` : 'none'}
      </span>
    ),
  },
  { id: 'version', header: 'Version', width: '70px', align: 'end', sortBy: ({ version }) => version, cell: ({ version }) => version },
  {
    id: 'updated',
    header: 'Changed',
    width: '92px',
    align: 'end',
    sortBy: ({ updatedAt }) => Date.parse(updatedAt),
    cell: ({ updatedAt }) => <Moment at={updatedAt} />,
  },
];

/** Who can be invoked, and who is well. */
export default function AgentsPage(): ReactNode {
  const agents = useQuery(queries.agents());
  const { q, setQ } = useFilter();
  const rows = useMemo(() => {
    const wanted = q.toLowerCase();
    return agents.data?.filter(({ name, kind, description, skills }) =>
      `${name} ${kind} ${description} ${skills.map((skill) => skill.name).join(' ')}`.toLowerCase().includes(wanted),
    );
  }, [agents.data, q]);
  return (
    <Page title="Agents" sentence={agents.data && countsSentence(agents.data, urgency, 'No agent is registered.')}>
      <SearchField value={q} onChange={setQ} label="Search agents" placeholder="Name, kind or skill" />
      <Panel flush>
        <Loaded query={{ ...agents, data: rows }} rows={8}>
          {(data) => (
            <DataTable
              label="Agents"
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              hrefOf={({ name }) => `/agents/${encodeURIComponent(name)}`}
              empty={
                q ? (
                  <Empty title="No agent matches." />
                ) : (
                  <Empty title="No agents yet." command="npx signalbox apply -f agent.yaml">
                    An agent is something that can be invoked with an input and gives an output: a model with tools, an MCP server’s tools,
                    a worker or an HTTP endpoint.
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
