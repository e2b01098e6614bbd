import type { RunAction, RunOrder } from '@signalbox/sdk/client/run-operations.js';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { counted, shortenMiddle } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import dialogue from '../../parts/dialogue.module.css';
import form from '../../parts/form.module.css';
import styles from './runs.module.css';

const words: Record<Exclude<RunAction, 'fork'>, { verb: string; what: string }> = {
  cancel: {
    verb: 'Cancel',
    what: 'Steps at work are told to stop, and the rest do not begin. What is done stays recorded. Runs that have ended are left out. This cannot be undone.',
  },
  retry: {
    verb: 'Retry',
    what: 'Each goes on in a new run that keeps what was done and does again what failed. Runs that succeeded or go on are left out.',
  },
  dismiss: { verb: 'Dismiss', what: 'Their failures leave the list of those that nobody has looked after. The runs stay as they are.' },
  upgrade: {
    verb: 'Upgrade',
    what: 'Each goes on by the version that its workflow has now: what has begun stays as it began. Runs that do not fit it stay as they are, and are named. Runs that have ended are left out.',
  },
  delete: {
    verb: 'Delete',
    what: 'All that is recorded of them goes, and the runs that their steps started. Runs that go on are left out. This cannot be undone.',
  },
};

const done: Record<keyof typeof words, string> = {
  cancel: 'cancelled',
  retry: 'retried',
  dismiss: 'dismissed',
  upgrade: 'upgraded',
  delete: 'deleted',
};

/** Why one of the runs that are shown would stay as it is. */
function Unfit({ run, unfit = [] }: { run: string; unfit?: { run: string; detail: string }[] | undefined }): ReactNode {
  const why = unfit.find((each) => each.run === run)?.detail;
  return why === undefined ? null : <span className="quiet">does not fit: {why}</span>;
}

/** A lever that does something to many runs: it says first which, then asks, then lets the service go on. */
export function BulkLever({
  action,
  order,
  label,
  onStarted,
}: {
  action: Exclude<RunAction, 'fork'>;
  order: Omit<RunOrder, 'action'>;
  label?: string;
  onStarted?: () => void;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [note, setNote] = useState('');
  const { verb, what } = words[action];
  const isFinal = action === 'cancel' || action === 'delete';
  const queryClient = useQueryClient();
  const tell = useTell();
  const preview = useQuery({ ...queries.runOrder({ ...order, action }), enabled: isOpen });
  const start = useMutation({
    mutationFn: () =>
      client.runOperations.start({ ...order, action, before: preview.data?.before, ...(note.trim() !== '' && { note: note.trim() }) }),
    onSuccess: async (operation) => {
      setOpen(false);
      onStarted?.();
      tell(`${verb}: ${counted(operation.total, 'run')}, in the background.`);
      await queryClient.invalidateQueries({ queryKey: ['runs', 'operations'] });
    },
  });
  const runs = preview.data ? counted(preview.data.count, 'run') : 'runs';
  return (
    <>
      <Button
        small
        onPress={() => {
          start.reset();
          setOpen(true);
        }}
      >
        {label ?? verb}
      </Button>
      <Dialogue title={`${verb} ${runs}?`} isOpen={isOpen} onClose={() => setOpen(false)} wide isAlert={isFinal}>
        <div className={dialogue.text}>
          <p>{what}</p>
          {preview.isPending && <p>Looking which runs are meant.</p>}
          {preview.data?.isMore && <p>More than {preview.data.count} runs are meant: narrow the filters first.</p>}
          {preview.data?.count === 0 && <p>None of them can be {done[action]}.</p>}
          {preview.data && preview.data.sample.length > 0 && (
            <ul className={styles.sample} aria-label="Some of these runs">
              {preview.data.sample.map((run) => (
                <li key={run.id}>
                  <LampWord lamp={lampOf(run.status)} />
                  <span>{run.workflow}</span>
                  <code>{shortenMiddle(run.id, 14)}</code>
                  <Unfit run={run.id} unfit={preview.data.unfit} />
                </li>
              ))}
              {preview.data.count > preview.data.sample.length && <li>and {preview.data.count - preview.data.sample.length} more</li>}
            </ul>
          )}
          {action === 'dismiss' && (
            <label className={form.field}>
              <span>Why</span>
              <input value={note} maxLength={500} onChange={(event) => setNote(event.target.value)} />
            </label>
          )}
        </div>
        {(preview.error ?? start.error) && <ProblemNote error={preview.error ?? start.error} />}
        <div className={dialogue.levers}>
          <Button onPress={() => setOpen(false)} autoFocus>
            Leave them
          </Button>
          <Button
            kind={isFinal ? 'danger' : 'primary'}
            isPending={start.isPending}
            isDisabled={!preview.data || preview.data.count === 0 || preview.data.isMore}
            onPress={() => start.mutate()}
          >
            {verb} {runs}
          </Button>
        </div>
      </Dialogue>
    </>
  );
}
