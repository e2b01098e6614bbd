import type { Drift, DriftItem } from '@signalbox/sdk/client/deployments.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { disturbance } from '../../model/board.ts';
import { counted } from '../../model/text.ts';
import { Chip } from '../../parts/chip.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useSelection } from '../../routing/selection.ts';
import { useMay } from '../../shell/who.ts';
import styles from './board.module.css';

const columns: readonly Column<DriftItem>[] = [
  { id: 'member', header: 'Member', width: 'minmax(140px, 1fr)', place: 'title', sortBy: ({ member }) => member, cell: MemberName },
  { id: 'wanted', header: 'Wanted', width: 'minmax(100px, 1fr)', cell: ({ wanted }) => wanted },
  { id: 'actual', header: 'There', width: 'minmax(100px, 1fr)', cell: ({ actual }) => actual },
  {
    id: 'because',
    header: 'Because',
    width: 'minmax(200px, 2fr)',
    cell: ({ because, next }) => <span className="quiet">{next ? `${because}. ${next}` : because}</span>,
  },
];

/** Where the deployment is not as its manifest wants it, and the lever that puts it right. Nothing where all is as wanted. */
export function DriftPanel({ name }: { name: string }): ReactNode {
  const drift = useQuery(queries.drift(name));
  if (drift.error) return <ProblemNote error={drift.error} />;
  if (!drift.data || drift.data.items.length === 0) return null;
  const { items, more, since } = drift.data;
  return (
    <Panel
      title="Drift"
      note={
        <>
          {counted(items.length + more, 'difference')} from the manifest
          {since !== null && (
            <>
              , since <Moment at={since} />
            </>
          )}
        </>
      }
      actions={<Repair drift={drift.data} />}
      flush
    >
      <DataTable label={`Drift of ${name}`} columns={columns} rows={items} keyOf={({ member, aspect }) => `${member} ${aspect}`} />
    </Panel>
  );
}

function MemberName({ member, aspect }: DriftItem): ReactNode {
  const { hrefOf } = useSelection('agent');
  return (
    <span className={styles.name}>
      <Link to={hrefOf(member)} replace preventScrollReset>
        {member}
      </Link>
      <Chip>{aspect}</Chip>
    </span>
  );
}

function Repair({ drift: { name, items } }: { drift: Drift }): ReactNode {
  const mayStart = useMay('deployments:start');
  const queryClient = useQueryClient();
  const tell = useTell();
  if (!mayStart || !items.some(({ repair }) => repair)) return null;
  return (
    <Confirm
      small
      primary
      danger={false}
      action={`Repair ${name}`}
      keep="Leave it"
      question={`Repair what drifted in ${name}?`}
      onConfirm={async () => {
        await client.deployments.repair(name);
        await queryClient.invalidateQueries({ queryKey: queries.board(name).queryKey });
        tell(`${name} is being repaired.`);
      }}
    >
      <Preview name={name} />
    </Confirm>
  );
}

function Preview({ name }: { name: string }): ReactNode {
  const preview = useQuery({
    queryKey: ['board', name, 'repair'],
    queryFn: ({ signal }) => client.deployments.repair(name, { dryRun: true }, { signal }),
    gcTime: 0,
  });
  if (preview.isPending) return <Placeholder rows={3} />;
  if (preview.error) return <ProblemNote error={preview.error} />;
  const { repairs, left } = preview.data;
  return (
    <>
      <ol className={styles.plan} tabIndex={0} aria-label="What is repaired">
        {repairs.map((each) => (
          <li key={each.member}>
            <span className={styles.wave}>{each.repair}</span>
            <span>
              <strong>{each.member}</strong>: {each.because}.{disturbance(each)}
            </span>
          </li>
        ))}
      </ol>
      {left.length > 0 && <p>{counted(left.length, 'difference')} cannot be repaired from here: the table says who can.</p>}
    </>
  );
}
