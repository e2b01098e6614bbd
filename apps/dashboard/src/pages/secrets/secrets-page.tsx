import type { Secret } from '@signalbox/sdk/client/secrets.js';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { counted } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { SetSecret } from './set-secret.tsx';

/** What manifests name as `secret://NAME`: which there are, not what they hold. */
export default function SecretsPage(): ReactNode {
  const all = useQuery(queries.secrets());
  const names = useQuery(queries.principals()).data;
  const mayWrite = useMay('secrets:write');
  /** The name that is being set; empty: a new one. */
  const [setting, setSetting] = useState<string | null>(null);
  const columns = useMemo(() => {
    const nameOf = new Map(names?.map(({ id, name }) => [id, name]));
    return columnsFor(nameOf, mayWrite ? setSetting : null);
  }, [names, mayWrite]);
  return (
    <Page
      title="Secrets"
      sentence={
        all.data &&
        `${counted(all.data.length, 'secret')}. Services read a value when they need it; nobody is shown one, so keep it elsewhere too.`
      }
      actions={
        mayWrite && (
          <Button kind="primary" onPress={() => setSetting('')}>
            <Plus size={15} aria-hidden />
            Set secret
          </Button>
        )
      }
    >
      <Panel flush>
        <Loaded query={all} rows={4}>
          {(data) => (
            <DataTable
              label="Secrets"
              columns={columns}
              rows={data}
              keyOf={({ name }) => name}
              empty={
                <Empty title="No secrets yet." command="npx signalbox secrets set github-token">
                  A manifest names one as secret://github-token where a credential belongs: in a header, a variable, a provider’s key.
                </Empty>
              }
            />
          )}
        </Loaded>
      </Panel>
      {setting !== null && <SetSecret known={setting} onClose={() => setSetting(null)} onSet={() => void all.refetch()} />}
    </Page>
  );
}

function columnsFor(nameOf: ReadonlyMap<string, string>, onSet: ((name: string) => void) | null): Column<Secret>[] {
  return [
    {
      id: 'name',
      header: 'Secret',
      width: 'minmax(150px, 1fr)',
      place: 'title',
      sortBy: ({ name }) => name,
      cell: ({ name }) => <strong>{name}</strong>,
    },
    {
      id: 'description',
      header: 'For',
      width: 'minmax(140px, 1.3fr)',
      cell: ({ description }) => <span className="quiet">{description}</span>,
    },
    { id: 'version', header: 'Version', width: '82px', align: 'end', sortBy: ({ version }) => version, cell: ({ version }) => version },
    {
      id: 'updated',
      header: 'Updated',
      width: '104px',
      align: 'end',
      sortBy: ({ updatedAt }) => Date.parse(updatedAt),
      cell: ({ updatedAt }) => <Moment at={updatedAt} />,
    },
    {
      id: 'by',
      header: 'By',
      width: 'minmax(100px, 0.6fr)',
      sortBy: ({ updatedBy }) => nameOf.get(updatedBy) ?? updatedBy,
      cell: ({ updatedBy }) => (
        <span className="quiet" title={updatedBy}>
          {nameOf.get(updatedBy) ?? updatedBy}
        </span>
      ),
    },
    {
      id: 'used',
      header: 'Last used',
      width: '104px',
      align: 'end',
      sortBy: ({ lastUsedAt }) => (lastUsedAt ? Date.parse(lastUsedAt) : null),
      cell: ({ lastUsedAt }) => <Moment at={lastUsedAt} />,
    },
    ...(onSet
      ? [
          {
            id: 'levers',
            header: 'Action',
            width: '190px',
            align: 'end' as const,
            cell: (secret: Secret) => <Levers secret={secret} onSet={onSet} />,
          },
        ]
      : []),
  ];
}

function Levers({ secret: { name, lastUsedAt }, onSet }: { secret: Secret; onSet: (name: string) => void }): ReactNode {
  const all = useQuery({ ...queries.secrets(), enabled: false });
  const tell = useTell();
  return (
    <>
      <Button small onPress={() => onSet(name)}>
        New value
      </Button>{' '}
      <Confirm
        small
        action="Remove"
        keep="Keep it"
        question={`Remove the secret ${name}?`}
        onConfirm={async () => {
          await client.secrets.remove(name);
          await all.refetch();
          tell(`The secret ${name} is removed.`);
        }}
      >
        <p>
          What names it as secret://{name} fails from then on. {lastUsedAt ? 'It was last used ' : 'It was never used.'}
          {lastUsedAt && (
            <>
              <Moment at={lastUsedAt} />.
            </>
          )}{' '}
          Its value cannot be brought back; it can be set again.
        </p>
      </Confirm>
    </>
  );
}
