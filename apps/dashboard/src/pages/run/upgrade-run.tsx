import type { RunUpgrade } from '@signalbox/sdk/client/runs.js';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { Button } from '../../parts/button.tsx';
import { Changes } from '../../parts/changes.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import dialogue from '../../parts/dialogue.module.css';

/** Has a live run go on by the version that its workflow has now: shows first what differs, and what does not fit. */
export function UpgradeRun({ run }: { run: WholeRun }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const queryClient = useQueryClient();
  const tell = useTell();
  const preview = useQuery({
    queryKey: ['run', run.id, 'upgrade'],
    queryFn: () => client.runs.upgrade(run.id, { dryRun: true }),
    enabled: isOpen,
    retry: false,
    staleTime: 0,
  });
  const upgrade = useMutation({
    mutationFn: (to: string) => client.runs.upgrade(run.id, { hash: to }),
    onSuccess: async () => {
      setOpen(false);
      tell(`The run goes on by the present version of ${run.workflow}.`);
      await queryClient.invalidateQueries({ queryKey: ['run', run.id] });
    },
  });
  const error = preview.error ?? upgrade.error;
  const { data } = preview;
  return (
    <>
      <Button
        onPress={() => {
          upgrade.reset();
          setOpen(true);
        }}
      >
        Upgrade
      </Button>
      <Dialogue title={`Go on by the present version of ${run.workflow}?`} isOpen={isOpen} onClose={() => setOpen(false)} wide>
        <div className={dialogue.text}>
          {preview.isFetching && <p>Looking how the versions differ.</p>}
          {data && !preview.isFetching && <Preview upgrade={data} />}
        </div>
        {error && <ProblemNote error={error} />}
        <div className={dialogue.levers}>
          <Button onPress={() => setOpen(false)} autoFocus>
            Leave it as it is
          </Button>
          <Button
            kind="primary"
            isPending={upgrade.isPending}
            isDisabled={preview.isFetching || data?.outcome !== 'possible'}
            onPress={() => data && upgrade.mutate(data.to)}
          >
            Upgrade the run
          </Button>
        </div>
      </Dialogue>
    </>
  );
}

function Preview({ upgrade: { outcome, obstacles, asBegun, changes } }: { upgrade: RunUpgrade }): ReactNode {
  if (outcome === 'unchanged') return <p>The run goes by this version already.</p>;
  return (
    <>
      {obstacles.length > 0 && (
        <>
          <p>It does not fit:</p>
          <ul>
            {obstacles.map(({ step, because }) => (
              <li key={`${step} ${because}`}>
                {step !== null && (
                  <>
                    <code>{step}</code>:{' '}
                  </>
                )}
                {because}
              </li>
            ))}
          </ul>
        </>
      )}
      <p>
        {obstacles.length > 0
          ? 'So the run stays as it is. What differs:'
          : `What has begun stays as it began${asBegun.length > 0 ? `: ${asBegun.join(', ')}` : ''}. All else is done as the present version says:`}
      </p>
      <Changes label="What differs" changes={changes} />
    </>
  );
}
