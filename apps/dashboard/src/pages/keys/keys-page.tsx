import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useMemo, useState, type ReactNode } from 'react';
import { keys } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import type { ApiKey, CreatedKey } from '../../api/shapes.ts';
import { keyStatus } from '../../model/keys.ts';
import { lampOf } from '../../model/lamps.ts';
import { counted } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { Chip } from '../../parts/chip.tsx';
import { useNow } from '../../parts/clock.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { CreateKey } from './create-key.tsx';
import { NewKey } from './new-key.tsx';
import styles from './keys.module.css';

/** Who may come in, with what, until when. */
export default function KeysPage(): ReactNode {
  const all = useQuery(queries.keys());
  const mayCreate = useMay('keys:create');
  const mayRevoke = useMay('keys:revoke');
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedKey | null>(null);
  const now = useNow();
  const live = all.data?.filter((key) => keyStatus(key, now) === 'live').length ?? 0;
  const columns = useMemo(() => columnsFor(mayRevoke), [mayRevoke]);
  return (
    <Page
      title="Keys"
      sentence={all.data && `${counted(live, 'key')} can be used. Only a hash of each is kept: a key is shown once, when it is made.`}
      actions={
        mayCreate && (
          <Button kind="primary" onPress={() => setCreating(true)}>
            <Plus size={15} aria-hidden />
            Create key
          </Button>
        )
      }
    >
      <Panel flush>
        <Loaded query={all} rows={4}>
          {(data) => <DataTable label="Keys" columns={columns} rows={data} keyOf={({ id }) => id} empty={<Empty title="No keys." />} />}
        </Loaded>
      </Panel>
      <CreateKey
        isOpen={isCreating}
        onClose={() => setCreating(false)}
        onCreated={(key) => {
          setCreating(false);
          setCreated(key);
          void all.refetch();
        }}
      />
      {created && <NewKey created={created} onClose={() => setCreated(null)} />}
    </Page>
  );
}

function columnsFor(mayRevoke: boolean): Column<ApiKey>[] {
  return [
    {
      id: 'name',
      header: 'Key',
      width: 'minmax(150px, 1.2fr)',
      place: 'title',
      sortBy: ({ name }) => name,
      cell: ({ name }) => <strong>{name}</strong>,
    },
    { id: 'status', header: 'Status', width: '104px', place: 'corner', cell: (key) => <KeyLamp apiKey={key} /> },
    {
      id: 'principal',
      header: 'Speaks for',
      width: 'minmax(120px, 0.9fr)',
      sortBy: ({ principalName }) => principalName,
      cell: ({ principal, principalName }) => (
        <span className="quiet" title={principal}>
          {principalName}
        </span>
      ),
    },
    {
      id: 'scopes',
      header: 'Only',
      width: 'minmax(140px, 1.3fr)',
      cell: ({ scopes }) =>
        scopes.length === 0 ? (
          <span className="faint">all that it may</span>
        ) : (
          <span className={styles.rights}>
            {scopes.map((scope) => (
              <Chip key={scope}>{scope}</Chip>
            ))}
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
    {
      id: 'expires',
      header: 'Expires',
      width: '104px',
      align: 'end',
      sortBy: ({ expiresAt }) => (expiresAt ? Date.parse(expiresAt) : null),
      cell: ({ expiresAt }) => <Moment at={expiresAt} />,
    },
    {
      id: 'created',
      header: 'Created',
      width: '104px',
      align: 'end',
      sortBy: ({ createdAt }) => Date.parse(createdAt),
      cell: ({ createdAt }) => <Moment at={createdAt} />,
    },
    ...(mayRevoke
      ? [{ id: 'lever', header: 'Action', width: '92px', align: 'end' as const, cell: (key: ApiKey) => <Revoke apiKey={key} /> }]
      : []),
  ];
}

function KeyLamp({ apiKey }: { apiKey: ApiKey }): ReactNode {
  const status = keyStatus(apiKey, useNow());
  return <LampWord lamp={status === 'live' ? { ...lampOf('healthy'), word: 'Live' } : lampOf(status)} />;
}

function Revoke({ apiKey }: { apiKey: ApiKey }): ReactNode {
  const now = useNow();
  const all = useQuery({ ...queries.keys(), enabled: false });
  const tell = useTell();
  if (keyStatus(apiKey, now) !== 'live') return null;
  return (
    <Confirm
      small
      action="Revoke"
      keep="Keep it"
      question={`Revoke the key ${apiKey.name}?`}
      onConfirm={async () => {
        await keys.revoke(apiKey.id);
        await all.refetch();
        tell(`The key ${apiKey.name} is revoked.`);
      }}
    >
      <p>
        Whoever uses it is refused within 5 seconds, and open streams of it close.{' '}
        {apiKey.lastUsedAt ? 'It was last used ' : 'It was never used.'}
        {apiKey.lastUsedAt && (
          <>
            <Moment at={apiKey.lastUsedAt} />.
          </>
        )}{' '}
        This cannot be undone; another key can be made.
      </p>
    </Confirm>
  );
}
