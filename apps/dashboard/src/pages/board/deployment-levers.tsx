import type { Board, Deployment, PlannedAgent } from '@signalbox/sdk/client/deployments.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { disturbance } from '../../model/board.ts';
import { counted } from '../../model/text.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Placeholder } from '../../parts/loaded.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './board.module.css';

/** Starts and stops a deployment, after showing what that does. */
export function DeploymentLevers({ board, deployment }: { board: Board; deployment: Deployment | undefined }): ReactNode {
  const mayStart = useMay('deployments:start');
  const queryClient = useQueryClient();
  const tell = useTell();
  if (!mayStart) return null;
  const { name } = board;
  const renew = async (): Promise<void> => {
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: queries.board(name).queryKey }),
      queryClient.invalidateQueries({ queryKey: queries.deployments().queryKey }),
    ]);
  };
  const startable = board.agents.filter(({ status }) => ['ready', 'parallel', 'failed'].includes(status)).length;
  return (
    <>
      {startable > 0 && (
        <Confirm
          primary
          danger={false}
          action={deployment?.started === false ? `Start ${name}` : `Start ${startable} ready`}
          keep="Not now"
          question={`Start what can start in ${name}?`}
          onConfirm={async () => {
            await client.deployments.start(name);
            await renew();
            tell(`${name} is starting.`);
          }}
        >
          <p>The agents come up in the order of their dependencies:</p>
          <Plan name={name} />
        </Confirm>
      )}
      {deployment?.started === true && (
        <Confirm
          action={`Stop ${name}`}
          keep="Keep it running"
          question={`Stop ${name}?`}
          onConfirm={async () => {
            await client.deployments.stop(name);
            await renew();
            tell(`${name} is stopped.`);
          }}
        >
          <p>
            The processes that the local runner started for its {counted(board.agents.length, 'agent')} end. Runs that need them wait until
            it is started again; what others started goes on.
          </p>
        </Confirm>
      )}
    </>
  );
}

function Plan({ name }: { name: string }): ReactNode {
  const plan = useQuery({
    queryKey: ['board', name, 'plan'],
    queryFn: ({ signal }) => client.deployments.start(name, { dryRun: true }, { signal }),
    gcTime: 0,
  });
  if (plan.isPending) return <Placeholder rows={3} />;
  if (plan.error) return <ProblemNote error={plan.error} />;
  return (
    <ol className={styles.plan} tabIndex={0} aria-label="The plan">
      {plan.data.plan.map((each) => (
        <li key={each.name}>
          <span className={styles.wave}>{each.wave}.</span>
          <span>
            <strong>{each.name}</strong>: {planned(each)}
          </span>
        </li>
      ))}
    </ol>
  );
}

function planned(each: PlannedAgent): string {
  return `${each.because || each.action}${disturbance(each)}`;
}
