import type { ReleaseAction } from '@signalbox/sdk/client/runs.js';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { isSetAside } from '../../model/run.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './run.module.css';

/** Says what follows for a run that was set aside: it goes on, or it has failed. */
export function ReleaseRun({ run }: { run: WholeRun }): ReactNode {
  const mayRelease = useMay('runs:write');
  const queryClient = useQueryClient();
  const tell = useTell();
  const release = async (action: ReleaseAction): Promise<void> => {
    await client.runs.release(run.id, action);
    await queryClient.invalidateQueries({ queryKey: ['run', run.id] });
    tell(action === 'go-on' ? `The run of ${run.workflow} goes on.` : `The run of ${run.workflow} has failed.`);
  };
  const goOn = useMutation({ mutationFn: () => release('go-on') });
  if (!isSetAside(run) || !mayRelease) return null;
  return (
    <>
      <div className={styles.words}>
        <Button small isPending={goOn.isPending} onPress={() => goOn.mutate()}>
          Let it go on
        </Button>
        <Confirm
          small
          action="It has failed"
          keep="Leave it set aside"
          question={`Has this run of ${run.workflow} failed?`}
          onConfirm={() => release('fail')}
        >
          <p>It ends here: nothing is undone, and no step that tidies up is done. This cannot be taken back.</p>
        </Confirm>
      </div>
      {goOn.error && <ProblemNote error={goOn.error} />}
    </>
  );
}
