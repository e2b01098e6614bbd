import type { AgentScaleDetail } from '@signalbox/sdk/client/agents.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { counted } from '../../model/text.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';

type Change = AgentScaleDetail['changes'][number];

const columns: readonly Column<Change>[] = [
  { id: 'at', header: 'When', width: '120px', cell: ({ at }) => <Moment at={at} /> },
  { id: 'change', header: 'Change', width: '90px', place: 'title', cell: ({ from, to }) => `${from} → ${to}` },
  {
    id: 'deployment',
    header: 'Deployment',
    width: 'minmax(120px, 1fr)',
    cell: ({ deployment }) => <Link to={`/deployments/${encodeURIComponent(deployment)}`}>{deployment}</Link>,
  },
  { id: 'because', header: 'Because', width: 'minmax(200px, 3fr)', cell: ({ because }) => <span className="quiet">{because}</span> },
];

/** How many instances the agent has and should have, what waits for them, and why it was scaled. */
export function Scaling({ agent }: { agent: string }): ReactNode {
  const scale = useQuery(queries.scale(agent));
  return (
    <Panel title="Scaling" note={scale.data && `${scale.data.min} to ${counted(scale.data.max, 'instance')}`}>
      <Loaded query={scale} rows={3}>
        {(data) => (
          <>
            <KeyValues
              rows={[
                [
                  'Waiting',
                  `${counted(data.waiting, 'task')}${data.oldestMs > 0 ? `, the first for ${(data.oldestMs / 1_000).toFixed(1)} s` : ''}`,
                ],
                ['In hand', counted(data.running, 'task')],
                ['Wanted', `${data.wanted}; ${data.live} beat`],
                ['Because', data.because],
              ]}
            />
            {data.runner === 'external' && (
              <Note>Somebody else starts its instances: a HorizontalPodAutoscaler or KEDA reads how many are wanted.</Note>
            )}
            {data.changes.length > 0 && (
              <DataTable label={`How ${agent} was scaled`} columns={columns} rows={data.changes} keyOf={({ at }) => at} />
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}
