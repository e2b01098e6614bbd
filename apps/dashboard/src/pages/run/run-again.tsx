import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { isOver } from '../../model/run.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';

/** Goes on from an ended run in a new one, which opens: what was not done, or a step and all that follows it. */
export function RunAgain({ run, from, children }: { run: WholeRun; from?: string; children: string }): ReactNode {
  const mayStart = useMay('runs:write');
  const navigate = useNavigate();
  const fork = useMutation({
    mutationFn: () => client.runs.fork(run.id, from === undefined ? {} : { from: [from] }),
    onSuccess: (forked) => navigate(`/runs/${forked.id}`),
  });
  if (!mayStart || !isOver(run)) return null;
  const lever = (
    <>
      <Button small={from !== undefined} isPending={fork.isPending} onPress={() => fork.mutate()}>
        {children}
      </Button>
      {fork.error && <ProblemNote error={fork.error} />}
    </>
  );
  return from === undefined ? lever : <PanelPart>{lever}</PanelPart>;
}
