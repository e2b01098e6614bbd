import type { Workflow } from '@signalbox/sdk/client/workflows.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { counted, inert } from '../../model/text.ts';
import { lampOf } from '../../model/lamps.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';

const columns: readonly Column<Workflow>[] = [
  { id: 'name', header: 'Workflow', width: 'minmax(180px, 1fr)', place: 'title', sortBy: ({ name }) => name, cell: ({ name }) => name },
  { id: 'last', header: 'Last run', width: '132px', place: 'corner', cell: ({ name }) => <LastRun workflow={name} /> },
  {
    id: 'about',
    header: 'About',
    width: 'minmax(160px, 2fr)',
    cell: ({ description, scaleBack }) =>
      scaleBack?.active ? (
        <span>
          Scaled back to {scaleBack.to}: {inert(scaleBack.active.because)}
        </span>
      ) : description ? (
        <span className="quiet">{inert(description)}</span>
      ) : null,
  },
  { id: 'version', header: 'Version', width: '76px', align: 'end', cell: ({ version }) => version ?? null },
  {
    id: 'changed',
    header: 'Changed',
    width: '104px',
    align: 'end',
    sortBy: ({ updatedAt }) => Date.parse(updatedAt),
    cell: ({ updatedAt }) => <Moment at={updatedAt} />,
  },
];

function LastRun({ workflow }: { workflow: string }): ReactNode {
  const last = useQuery(queries.latestRuns({ workflow }, 1)).data?.[0];
  return last ? <LampWord lamp={lampOf(last.status)} /> : null;
}

/** What can be run. */
export default function WorkflowsPage(): ReactNode {
  const workflows = useQuery(queries.workflows());
  return (
    <Page
      title="Workflows"
      sentence={
        workflows.data && (workflows.data.length === 0 ? 'No workflow is defined.' : `${counted(workflows.data.length, 'workflow')}.`)
      }
    >
      <Panel flush>
        <Loaded query={workflows} rows={5}>
          {(data) => (
            <DataTable
              label="Workflows"
              columns={columns}
              rows={data}
              keyOf={({ name }) => name}
              hrefOf={({ name }) => `/workflows/${encodeURIComponent(name)}`}
              empty={
                <Empty title="No workflows yet." command="npx signalbox apply -f workflow.yaml">
                  A workflow is a file of steps: each calls an agent or a tool, and what a step needs runs before it.
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
