import type { AgentDetail } from '@signalbox/sdk/client/agents.js';
import type { AgentStages, StageMove } from '@signalbox/sdk/client/stages.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { stageName } from '../../model/stages.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import { EvidenceTable } from './evidence-table.tsx';
import { Measure } from './measure.tsx';
import { OneStage } from './one-stage.tsx';
import styles from './stages.module.css';

/** Where the versions of an agent are, what one of them lacks for each stage, and by which evidence. */
export function Stages({ agent }: { agent: AgentDetail }): ReactNode {
  const [search, setSearch] = useSearchParams();
  const asked = Number(search.get('version'));
  const version = Number.isSafeInteger(asked) && asked >= 1 ? asked : agent.version;
  const stages = useQuery(queries.agentStages(agent.name, version));
  const versions = useQuery(queries.agentVersions(agent.name));
  const choose = (chosen: string): void => {
    const next = new URLSearchParams(search);
    next.set('version', chosen);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const known = [...new Set([version, ...(versions.data ?? []).map((one) => one.version)])].sort((a, b) => b - a);
  return (
    <div className={styles.parts}>
      <label className={styles.choice}>
        Version
        <select value={version} onChange={(event) => choose(event.target.value)}>
          {known.map((one) => (
            <option key={one} value={one}>
              {one === agent.version ? `${one} (current)` : one}
            </option>
          ))}
        </select>
      </label>
      <div className={styles.source}>
        <Measure agent={agent.name} version={version} />
        <Link to={`/gates?agent=${encodeURIComponent(agent.name)}&version=${version}`}>All gates of this version</Link>
      </div>
      <Loaded query={stages} rows={8}>
        {(data) => (
          <>
            {data.checks.map((check) => (
              <OneStage key={check.stage} agent={agent.name} version={version} check={check} holders={data.holders} />
            ))}
            <EvidenceTable key={version} agent={agent.name} version={version} />
            <History stages={data} />
          </>
        )}
      </Loaded>
    </div>
  );
}

const columns: readonly Column<StageMove>[] = [
  {
    id: 'what',
    header: 'What',
    width: 'minmax(180px, 1.2fr)',
    place: 'title',
    cell: ({ move, stage, version }) => (
      <strong>
        Version {version} {move} {move === 'demoted' ? 'from' : move === 'approved' ? 'for' : 'to'} {stageName(stage).toLowerCase()}
      </strong>
    ),
  },
  { id: 'by', header: 'By', width: 'minmax(90px, 0.5fr)', cell: ({ by, byName }) => <span title={by}>{byName}</span> },
  {
    id: 'why',
    header: 'Why',
    width: 'minmax(100px, 1fr)',
    cell: ({ reason }) => (reason ? <span className="quiet">{reason}</span> : null),
  },
  { id: 'at', header: 'When', width: '104px', align: 'end', place: 'corner', cell: ({ at }) => <Moment at={at} /> },
];

function History({ stages: { history } }: { stages: AgentStages }): ReactNode {
  return (
    <Panel title="History" note="the last 50" flush>
      <DataTable
        label="History of stages"
        columns={columns}
        rows={history}
        keyOf={({ at, move, stage, version }) => `${at} ${move} ${stage} ${version}`}
        empty={<Empty title="No version was promoted yet." />}
      />
    </Panel>
  );
}
