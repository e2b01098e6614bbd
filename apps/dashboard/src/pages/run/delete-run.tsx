import type { ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';

/** Deletes an ended run, and shows the others. */
export function DeleteRun({ run }: { run: WholeRun }): ReactNode {
  const mayDelete = useMay('runs:delete');
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const tell = useTell();
  if (!mayDelete) return null;
  return (
    <Confirm
      action="Delete"
      keep="Keep it"
      question={`Delete this run of ${run.workflow}?`}
      onConfirm={async () => {
        await client.runs.delete(run.id);
        await navigate('/runs');
        queryClient.removeQueries({ queryKey: ['run', run.id] });
        await queryClient.invalidateQueries({ queryKey: ['runs'] });
        tell(`The run of ${run.workflow} was deleted.`);
      }}
    >
      <p>All that is recorded of it goes, with the artifacts that it made, and the runs that its steps started. This cannot be undone.</p>
    </Confirm>
  );
}
