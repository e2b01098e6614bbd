import type { AgentDetail, AgentVersion } from '@signalbox/sdk/client/agents.js';
import type { Instance } from '@signalbox/sdk/client/instances.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { stageName } from '../../model/stages.ts';
import { counted } from '../../model/text.ts';
import { Chip } from '../../parts/chip.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty, Note } from '../../parts/notes.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tabs, useTab, type Tab } from '../../parts/tabs.tsx';
import { useMay } from '../../shell/who.ts';
import { RunsTable } from '../runs/runs-table.tsx';
import { Evals } from './evals.tsx';
import { AgentKpis } from './kpis.tsx';
import { Scaling } from './scaling.tsx';
import { Rollouts } from './rollouts.tsx';
import { Skills } from './skills.tsx';
import { Stages } from './stages.tsx';
import styles from './agents.module.css';

const Manifest = lazy(() => import('../../parts/manifest.tsx'));

/** One agent: what it can do, who does it, how its calls stand, its versions. */
export default function AgentPage(): ReactNode {
  const { name = '' } = useParams();
  const agent = useQuery(queries.agent(name));
  const tabs: Tab[] = [
    { id: 'skills', label: 'Skills', count: agent.data?.skills.length },
    { id: 'instances', label: 'Instances', count: agent.data?.instances.live },
    { id: 'runs', label: 'Calls' },
    { id: 'stages', label: 'Stages' },
    { id: 'evals', label: 'Evals' },
    { id: 'kpis', label: 'KPIs' },
    { id: 'rollouts', label: 'Rollouts' },
    { id: 'versions', label: 'Versions' },
    { id: 'manifest', label: 'Manifest' },
  ];
  const tab = useTab(tabs);
  return (
    <Page
      title={name}
      parent={{ label: 'Agents', to: '/agents' }}
      sentence={
        agent.data && (
          <Facts>
            {[
              <LampWord key="lamp" lamp={lampOf(agent.data.status)} />,
              agent.data.statusReason,
              `kind ${agent.data.kind}`,
              agent.data.instances.live > 0 &&
                `${counted(agent.data.instances.live, 'instance')}, ${agent.data.instances.inFlight} of ${agent.data.instances.capacity} busy`,
              <CopyId key="id" id={agent.data.id} />,
            ]}
          </Facts>
        )
      }
      tabs={<Tabs tabs={tabs} label={`Views of ${name}`} />}
    >
      <Loaded query={agent} rows={8}>
        {(data) => {
          const view = (
            <>
              {data.breaker && data.breaker !== 'closed' && <Breaker state={data.breaker} />}
              {tab === 'skills' && <Skills agent={data} />}
              {tab === 'instances' && data.manifest.spec.worker?.autoscale && <Scaling agent={name} />}
              {tab === 'instances' && <Instances agent={data} />}
              {tab === 'runs' && <Calls name={name} />}
              {tab === 'stages' && <Stages agent={data} />}
              {tab === 'evals' && <Evals agent={data} />}
              {tab === 'kpis' && <AgentKpis agent={name} />}
              {tab === 'rollouts' && <Rollouts agent={data} />}
              {tab === 'versions' && <Versions name={name} />}
              {tab === 'manifest' && (
                <Panel title="Manifest">
                  <Suspense fallback={<Placeholder />}>
                    <Manifest value={data.manifest} name={name} />
                  </Suspense>
                </Panel>
              )}
            </>
          );
          // Figures need the width; what the agent is stands beside the view that one comes to first.
          return tab === 'skills' ? <Beside aside={<About agent={data} />}>{view}</Beside> : view;
        }}
      </Loaded>
    </Page>
  );
}

function Breaker({ state }: { state: 'open' | 'half-open' }): ReactNode {
  return (
    <Note tone={state === 'open' ? 'stop' : 'caution'}>
      {state === 'open'
        ? 'Calls are stopped for the moment: too many of them failed. A trial call is let through by itself; steps with a fallback go to the other agent.'
        : 'One trial call is under way. If it succeeds, calls go through again.'}
    </Note>
  );
}

function About({ agent }: { agent: AgentDetail }): ReactNode {
  const { spec } = agent.manifest;
  const labels = Object.entries(agent.labels);
  return (
    <Panel title="About">
      <KeyValues
        rows={[
          ['Description', agent.description],
          ['Version', `${agent.version}`],
          ['Stage', agent.stage && stageName(agent.stage)],
          ['Hash', <CopyId key="hash" id={agent.hash} max={20} />],
          ['Breaker', agent.breaker && <LampWord key="breaker" lamp={lampOf(agent.breaker)} />],
          [
            'MCP server',
            spec.mcp && (
              <Link key="server" to={`/mcp-servers/${encodeURIComponent(spec.mcp.server)}`}>
                {spec.mcp.server}
              </Link>
            ),
          ],
          ['Runner', spec.worker && (spec.worker.runner ?? 'external')],
          ['Model', spec.llm?.model],
          ['At once', spec.concurrency === undefined ? null : counted(spec.concurrency, 'task')],
          [
            'Labels',
            labels.length === 0 ? null : (
              <span key="labels" className={styles.labels}>
                {labels.map(([key, value]) => (
                  <Chip key={key}>
                    {key}={value}
                  </Chip>
                ))}
              </span>
            ),
          ],
          ['Created', <Moment key="created" at={agent.createdAt} />],
          ['Changed', <Moment key="changed" at={agent.updatedAt} />],
        ]}
      />
    </Panel>
  );
}

const instanceColumns: readonly Column<Instance>[] = [
  {
    id: 'name',
    header: 'Instance',
    width: 'minmax(150px, 1.4fr)',
    place: 'title',
    sortBy: ({ instance }) => instance,
    cell: ({ instance }) => <strong>{instance}</strong>,
  },
  {
    id: 'status',
    header: 'Status',
    width: '120px',
    place: 'corner',
    sortBy: ({ status }) => status,
    cell: ({ status }) => (
      <LampWord
        lamp={{
          ...lampOf(status === 'live' ? 'healthy' : status === 'gone' ? 'stopped' : status === 'isolated' ? 'isolated' : 'waiting'),
          word: status.charAt(0).toUpperCase() + status.slice(1),
        }}
      />
    ),
  },
  {
    id: 'busy',
    header: 'Busy',
    width: '90px',
    cell: ({ inFlight, capacity }) => <span className="num">{`${inFlight} of ${capacity}`}</span>,
  },
  { id: 'runner', header: 'Runner', width: '90px', cell: ({ runner }) => <span className="quiet">{runner}</span> },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(80px, 1fr)',
    cell: ({ statusReason }) => (statusReason ? <span className="quiet">{statusReason}</span> : null),
  },
  { id: 'beat', header: 'Last beat', width: '96px', align: 'end', cell: ({ lastBeatAt }) => <Moment at={lastBeatAt} /> },
  { id: 'started', header: 'Started', width: '96px', align: 'end', cell: ({ startedAt }) => <Moment at={startedAt} /> },
];

const leverColumn: Column<Instance> = {
  id: 'levers',
  header: 'What to do',
  width: '116px',
  align: 'end',
  cell: (instance) => <InstanceLever instance={instance} />,
};

/** Takes an instance out of routing, or lets it in again. */
function InstanceLever({ instance: { agent, instance, status } }: { instance: Instance }): ReactNode {
  const queryClient = useQueryClient();
  const afterwards = (): Promise<void> => queryClient.invalidateQueries({ queryKey: ['agent', agent] });
  if (status === 'gone') return null;
  if (status === 'isolated')
    return (
      <Confirm
        small
        danger={false}
        action="Let in"
        question={`Let ${instance} in again?`}
        keep="Leave it out"
        onConfirm={() => client.isolations.release(agent, instance).then(afterwards)}
      >
        It gets tasks again from now on.
      </Confirm>
    );
  return (
    <Confirm
      small
      action="Isolate"
      question={`Isolate ${instance}?`}
      keep="Leave it in"
      onConfirm={() => client.isolations.isolate(agent, { instance, reason: 'isolated on the page of its agent' }).then(afterwards)}
    >
      It gets no new task, and those that it has are given to others, until somebody lets it in again.
    </Confirm>
  );
}

function Instances({ agent }: { agent: AgentDetail }): ReactNode {
  const instances = useQuery(queries.instances(agent.name));
  const mayIsolate = useMay('agents:isolate');
  const columns = useMemo(() => (mayIsolate ? [...instanceColumns, leverColumn] : instanceColumns), [mayIsolate]);
  return (
    <Panel title="Instances" flush>
      <Loaded query={instances}>
        {(data) => (
          <DataTable
            label="Instances"
            columns={columns}
            rows={data}
            keyOf={({ id }) => id}
            empty={
              agent.kind === 'worker' ? (
                <Empty title="No instance is live.">
                  A worker dials in with an API key, or a deployment’s local runner brings it up. Until then its tasks wait.
                </Empty>
              ) : (
                <Empty title="This agent has no instances.">It is called where it is; only workers have instances that dial in.</Empty>
              )
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Calls({ name }: { name: string }): ReactNode {
  const runs = useQuery(queries.latestRuns({ workflow: `agent/${name}` }, 50));
  return (
    <Panel title="Latest direct calls" flush>
      <Loaded query={runs}>
        {(data) => (
          <RunsTable
            runs={data}
            empty={
              <Empty title="Nobody has called it directly yet.">A call is a run of one step. Calls from workflows are in those runs.</Empty>
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}

const versionColumns: readonly Column<AgentVersion>[] = [
  {
    id: 'version',
    header: 'Version',
    width: '120px',
    place: 'title',
    cell: ({ version, current }) => (
      <span className={styles.name}>
        <strong>{version}</strong>
        {current && <Chip tone="accent">current</Chip>}
      </span>
    ),
  },
  { id: 'hash', header: 'Content hash', width: 'minmax(140px, 1fr)', cell: ({ hash }) => <CopyId id={hash} max={24} /> },
  { id: 'by', header: 'Applied by', width: 'minmax(110px, 1fr)', cell: ({ createdBy }) => <CopyId id={createdBy} /> },
  { id: 'at', header: 'Applied', width: '104px', align: 'end', place: 'corner', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

function Versions({ name }: { name: string }): ReactNode {
  const versions = useQuery(queries.agentVersions(name));
  return (
    <Panel title="Versions" note="immutable, by content hash" flush>
      <Loaded query={versions}>
        {(data) => <DataTable label="Versions" columns={versionColumns} rows={data} keyOf={({ version }) => String(version)} />}
      </Loaded>
    </Panel>
  );
}
