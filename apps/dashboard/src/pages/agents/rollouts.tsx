import type { AgentDetail } from '@signalbox/sdk/client/agents.js';
import type { Rollout } from '@signalbox/sdk/client/rollouts.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { stepText } from '../../model/rollouts.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import { OneRollout } from './one-rollout.tsx';
import styles from './stages.module.css';

const columns: readonly Column<Rollout>[] = [
  {
    id: 'version',
    header: 'Version',
    width: 'minmax(110px, 0.7fr)',
    place: 'title',
    cell: ({ version, stable }) => (
      <span className={styles.source}>
        <strong>{version}</strong>
        <span className="quiet">in place of {stable}</span>
      </span>
    ),
  },
  { id: 'status', header: 'Status', width: '116px', place: 'corner', cell: ({ status }) => <LampWord lamp={lampOf(status)} /> },
  {
    id: 'step',
    header: 'Step',
    width: 'minmax(104px, 0.8fr)',
    cell: (one) => `${one.step + 1} of ${one.plan.steps.length}: ${stepText(one.plan.steps[one.step]!)}`,
  },
  { id: 'why', header: 'Why', width: 'minmax(120px, 1.4fr)', cell: ({ reason }) => <span className="quiet">{reason}</span> },
  { id: 'begun', header: 'Begun', width: '92px', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
];

/** Versions that took or take the place of others; the newest is open. */
export function Rollouts({ agent }: { agent: AgentDetail }): ReactNode {
  const [search] = useSearchParams();
  const rollouts = useInfiniteQuery(queries.rollouts({ agent: agent.name }));
  const rows = rollouts.data?.pages.flatMap(({ data }) => data);
  const chosen = search.get('rollout') ?? rows?.[0]?.id ?? null;
  const hrefOf = ({ id }: Rollout): { search: string } => {
    const next = new URLSearchParams(search);
    next.set('rollout', id);
    return { search: next.toString() };
  };
  return (
    <div className={styles.parts}>
      {chosen !== null && <OneRollout key={chosen} id={chosen} />}
      <Panel title="Rollouts" note="a new version gets more and more of the calls, and all or none of them in the end" flush>
        <Loaded query={{ ...rollouts, data: rows }}>
          {(data) => (
            <DataTable
              label={`Rollouts of ${agent.name}`}
              columns={columns}
              rows={data}
              keyOf={({ id }) => id}
              hrefOf={hrefOf}
              replace
              isSelected={({ id }) => id === chosen}
              onEnd={() => rollouts.hasNextPage && !rollouts.isFetchingNextPage && void rollouts.fetchNextPage()}
              empty={
                <Empty title="Each new version was the current one at once." command={`npx signalbox rollouts start ${agent.name}@VERSION`}>
                  With spec.rollout in its manifest, the next version begins with a few of the calls.
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
    </div>
  );
}
