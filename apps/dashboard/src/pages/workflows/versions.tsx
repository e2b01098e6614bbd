import type { WorkflowVersion } from '@signalbox/sdk/client/workflows.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { inert } from '../../model/text.ts';
import { Changes } from '../../parts/changes.tsx';
import { Chip } from '../../parts/chip.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './workflows.module.css';

/** What a workflow was, and the lever that makes it that again. */
export function Versions({ name }: { name: string }): ReactNode {
  const versions = useQuery(queries.workflowVersions(name));
  const mayWrite = useMay('workflows:write');
  const columns: Column<WorkflowVersion>[] = [
    {
      id: 'version',
      header: 'Version',
      width: '170px',
      place: 'title',
      cell: ({ version, current, revertedTo }) => (
        <span className={styles.version}>
          <strong>{version}</strong>
          {current && <Chip tone="accent">current</Chip>}
          {revertedTo !== undefined && <Chip>as {revertedTo}</Chip>}
        </span>
      ),
    },
    { id: 'hash', header: 'Definition', width: 'minmax(140px, 1fr)', cell: ({ hash }) => <CopyId id={hash} max={24} /> },
    { id: 'steps', header: 'Steps', width: '70px', align: 'end', cell: ({ steps }) => steps },
    { id: 'by', header: 'Applied by', width: 'minmax(100px, 1fr)', cell: ({ createdBy }) => inert(createdBy || 'not known') },
    { id: 'at', header: 'Applied', width: '104px', align: 'end', place: 'corner', cell: ({ createdAt }) => <Moment at={createdAt} /> },
    ...(mayWrite
      ? [
          {
            id: 'revert',
            header: '',
            width: '120px',
            align: 'end' as const,
            cell: ({ version, current }: WorkflowVersion) => !current && <Revert name={name} version={version} />,
          },
        ]
      : []),
  ];
  return (
    <Panel title="Versions" note="the last 200 are kept" flush>
      <Loaded query={versions}>
        {(data) => <DataTable label="Versions" columns={columns} rows={data} keyOf={({ version }) => String(version)} />}
      </Loaded>
    </Panel>
  );
}

function Revert({ name, version }: { name: string; version: number }): ReactNode {
  const cache = useQueryClient();
  const tell = useTell();
  return (
    <Confirm
      small
      danger={false}
      action="Revert"
      keep="Leave it as it is"
      icon={<Undo2 size={14} aria-hidden />}
      question={`Make ${name} what it was at version ${version}?`}
      onConfirm={async () => {
        const { resource } = await client.workflows.revert(name, version);
        await Promise.all([
          cache.invalidateQueries({ queryKey: ['workflows'] }),
          cache.invalidateQueries({ queryKey: ['workflow', name] }),
        ]);
        tell(`${name} is what it was at version ${version}, as version ${resource.version}.`);
      }}
    >
      <p>New runs get it. Runs that are under way go on as they began.</p>
      <Reverted name={name} version={version} />
    </Confirm>
  );
}

/** What differs from what it is now. */
function Reverted({ name, version }: { name: string; version: number }): ReactNode {
  const preview = useQuery({
    queryKey: ['workflow', name, 'revert', version],
    queryFn: ({ signal }) => client.workflows.revert(name, version, { dryRun: true }, { signal }),
    gcTime: 0,
  });
  if (preview.isPending) return <Placeholder rows={2} />;
  if (preview.error) return <ProblemNote error={preview.error} />;
  const { changes } = preview.data;
  if (changes.length === 0) return <p className="quiet">Nothing of its definition changes.</p>;
  return <Changes label="What changes" changes={changes} />;
}
