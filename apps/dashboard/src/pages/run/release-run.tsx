import type { ReleaseAction } from '@signalbox/sdk/client/runs.js';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { isSetAside } from '../../model/run.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './run.module.css';

/** Says what follows for a run that was set aside: it goes on, or it has failed. */
export function ReleaseRun({ run }: { run: WholeRun }): ReactNode {
  const mayRelease = useMay('runs:write');
  const queryClient = useQueryClient();
  const tell = useTell();
  const release = useMutation({
    mutationFn: (action: ReleaseAction) => client.runs.release(run.id, action),
    onSuccess: async (_, action) => {
      await queryClient.invalidateQueries({ queryKey: ['run', run.id] });
      tell(action === 'go-on' ? `The run of ${run.workflow} goes on.` : `The run of ${run.workflow} has failed.`);
    },
  });
  if (!isSetAside(run) || !mayRelease) return null;
  const saying = release.isPending ? release.variables : null;
  return (
    <>
      <div className={styles.words}>
        <Button small isPending={saying === 'go-on'} onPress={() => release.mutate('go-on')}>
          Let it go on
        </Button>
        <Button small isPending={saying === 'fail'} onPress={() => release.mutate('fail')}>
          It has failed
        </Button>
      </div>
      {release.error && <ProblemNote error={release.error} />}
    </>
  );
}
