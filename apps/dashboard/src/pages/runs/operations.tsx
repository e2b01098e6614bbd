import type { RunOperation } from '@signalbox/sdk/client/run-operations.js';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { someEnded } from '../../model/operations.ts';
import { counted, shortenMiddle } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { Moment } from '../../parts/moment.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Progress } from '../../parts/progress.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './runs.module.css';

const done: Record<RunOperation['action'], string> = {
  cancel: 'Cancelling',
  retry: 'Retrying',
  fork: 'Forking',
  dismiss: 'Dismissing',
  upgrade: 'Upgrading',
  delete: 'Deleting',
};

/** What is being done to many runs, and what of it failed lately. */
export function Operations(): ReactNode {
  const all = useQuery(queries.runOperations());
  const queryClient = useQueryClient();
  const before = useRef(all.data);
  useEffect(() => {
    if (!all.data) return;
    // What has ended changed the runs and the failures that are shown.
    if (before.current && someEnded(before.current, all.data)) void queryClient.invalidateQueries({ queryKey: ['runs'] });
    before.current = all.data;
  }, [all.data, queryClient]);
  const shown = all.data?.filter(({ status, failed }) => status === 'running' || status === 'failed' || failed > 0).slice(0, 5) ?? [];
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const left = shown.filter(({ id }) => !seen.has(id));
  if (left.length === 0) return null;
  return (
    <Panel title="In bulk">
      <ul className={styles.operations}>
        {left.map((operation) => (
          <Operation key={operation.id} operation={operation} onSeen={() => setSeen(new Set([...seen, operation.id]))} />
        ))}
      </ul>
    </Panel>
  );
}

function Operation({ operation, onSeen }: { operation: RunOperation; onSeen: () => void }): ReactNode {
  const { id, action, total, failed, status } = operation;
  const queryClient = useQueryClient();
  const mayCancel = useMay('runs:write');
  const [isOpen, setOpen] = useState(false);
  const detail = useQuery({ ...queries.runOperation(id), enabled: isOpen });
  const cancel = useMutation({
    mutationFn: () => client.runOperations.cancel(id),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['runs', 'operations'] }),
  });
  const over = operation.done + failed;
  return (
    <li>
      <div className={styles.operation}>
        <span>
          {done[action]} {counted(total, 'run')}
          <span className="quiet">
            {' '}
            by {operation.startedBy}, <Moment at={operation.createdAt} />
            {status === 'cancelled' && ', stopped'}
            {status === 'failed' && `, could not go on: ${operation.reason ?? ''}`}
          </span>
        </span>
        <Progress
          share={total === 0 ? 1 : over / total}
          tone={failed > 0 || status === 'failed' ? 'stop' : status === 'running' ? 'move' : 'clear'}
          label={`${done[action]}: ${over} of ${total}`}
        />
        {failed > 0 && (
          <Button kind="quiet" small onPress={() => setOpen(!isOpen)} aria-expanded={isOpen}>
            {failed} failed
          </Button>
        )}
        {status === 'running' && mayCancel && (
          <Button small isPending={cancel.isPending} onPress={() => cancel.mutate()}>
            Stop
          </Button>
        )}
        {status !== 'running' && (
          <Button kind="quiet" small onPress={onSeen}>
            Hide
          </Button>
        )}
      </div>
      {cancel.error && <ProblemNote error={cancel.error} />}
      {isOpen && detail.error && <ProblemNote error={detail.error} />}
      {isOpen && detail.data && (
        <ul className={styles.sample} aria-label="What failed">
          {detail.data.failures.map(({ run, code, detail: why }) => (
            <li key={run}>
              <Link to={`/runs/${run}`}>{shortenMiddle(run, 14)}</Link>
              <span>
                {code}: {why}
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
