import type { BoardAgent } from '@signalbox/sdk/client/deployments.js';
import type { ReactNode } from 'react';
import { kindWord, waitsFor } from '../../model/board.ts';
import { lampOf } from '../../model/lamps.ts';
import { stageName } from '../../model/stages.ts';
import { formatDays, formatSlack } from '../../model/time.ts';
import { Chip } from '../../parts/chip.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Progress } from '../../parts/progress.tsx';
import styles from './board.module.css';

/** Failures first when sorted by status, what is done last. */
const urgency = ['failed', 'isolated', 'degraded', 'waiting', 'ready', 'starting', 'active', 'parallel', 'done'];

const columns: readonly Column<BoardAgent>[] = [
  {
    id: 'agent',
    header: 'Agent',
    width: 'minmax(146px, 1.7fr)',
    place: 'title',
    sortBy: ({ name }) => name,
    cell: ({ name, critical, breaker, stage, kind }) => (
      <span className={styles.name}>
        {name}
        {kind && <Chip>{kindWord({ kind })}</Chip>}
        {stage && <Chip title="The stage of its current version">{stageName(stage).toLowerCase()}</Chip>}
        {critical && <Chip>critical</Chip>}
        {breaker && breaker !== 'closed' && <Chip tone="stop">calls {breaker === 'open' ? 'stopped' : 'on trial'}</Chip>}
      </span>
    ),
  },
  {
    id: 'status',
    header: 'Status',
    width: '96px',
    place: 'corner',
    sortBy: ({ status }) => urgency.indexOf(status),
    cell: ({ status }) => <LampWord lamp={lampOf(status)} />,
  },
  {
    id: 'progress',
    header: 'Progress',
    width: '126px',
    sortBy: ({ progress }) => progress,
    cell: ({ name, progress, status }) => <Progress share={progress} tone={lampOf(status).tone} label={`Progress of ${name}`} />,
  },
  {
    id: 'waits',
    header: 'Waits for',
    width: 'minmax(92px, 1.1fr)',
    sortBy: ({ waitingFor }) => waitingFor.length,
    cell: (agent) =>
      agent.statusReason && ['failed', 'degraded', 'isolated'].includes(agent.status) ? (
        <span className={styles.reason}>{agent.statusReason}</span>
      ) : (
        <span className={agent.waitingFor.length === 0 ? 'faint' : 'quiet'}>{waitsFor(agent)}</span>
      ),
  },
  {
    id: 'estimate',
    header: 'Estimate',
    width: '80px',
    align: 'end',
    sortBy: ({ estimateDays }) => estimateDays[1],
    cell: ({ status, estimateDays }) =>
      status === 'done' ? 'Complete' : estimateDays[1] > 0 ? formatDays(estimateDays) : <span className="faint">none</span>,
  },
  {
    id: 'slack',
    header: 'Slack',
    width: '46px',
    align: 'end',
    sortBy: ({ slackDays }) => slackDays,
    cell: ({ slackDays }) => (slackDays === null ? null : formatSlack(slackDays)),
  },
];

/** Where nothing is estimated there is nothing to say of estimates. */
const unestimated = columns.filter(({ id }) => id !== 'estimate' && id !== 'slack');

/** The deployment's agents, one a row. A row selects; its details stand beside. */
export function BoardTable({
  agents,
  selected,
  hrefOf,
}: {
  agents: readonly BoardAgent[];
  selected: string | null;
  hrefOf: (agent: string) => { search: string };
}): ReactNode {
  return (
    <Panel flush>
      <DataTable
        label="Agents of the deployment"
        columns={agents.some(({ estimateDays }) => estimateDays[1] > 0) ? columns : unestimated}
        rows={agents}
        keyOf={({ name }) => name}
        hrefOf={({ name }) => hrefOf(name)}
        replace
        isSelected={({ name }) => name === selected}
      />
    </Panel>
  );
}
