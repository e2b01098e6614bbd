import type { BoardAgent } from '@signalbox/sdk/client/deployments.js';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { Button } from '../../parts/button.tsx';
import { LampSign } from '../../parts/lamp.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './board.module.css';

type BoardStep = BoardAgent['steps'][number];
type Reported = 'begun' | 'done' | 'failed';

const sources: Record<string, string> = {
  runner: 'the runner sees it',
  probe: 'a probe sees it',
  'contract-test': 'a contract test proves it',
  traffic: 'traffic proves it',
  reported: 'CI or a person reports it',
};

/** What a report can say next. */
const offered: Record<string, readonly Reported[]> = {
  pending: ['begun', 'done'],
  begun: ['done', 'failed'],
  failed: ['begun', 'done'],
  done: [],
};

/** One step with its state; where people report it, the levers to do so. */
export function StepOnBoard({ deployment, agent, step }: { deployment: string; agent: string; step: BoardStep }): ReactNode {
  const mayReport = useMay('deployments:report');
  const queryClient = useQueryClient();
  const tell = useTell();
  const report = useMutation({
    mutationFn: (state: Reported) => client.deployments.report({ deployment, agent, step: step.name, state }),
    onSuccess: async (_, state) => {
      await queryClient.invalidateQueries({ queryKey: queries.board(deployment).queryKey });
      tell(`${agent}: ${step.name} is reported ${state}.`);
    },
  });
  const lamp = lampOf(step.state);
  const levers = step.source === 'reported' && mayReport ? (offered[step.state] ?? []) : [];
  return (
    <li className={styles.step}>
      <LampSign lamp={lamp} size={15} alone />
      <span>{step.name}</span>
      <span className={styles.source}>{sources[step.source] ?? step.source}</span>
      {step.note && <span className={styles.stepNote}>{step.note}</span>}
      {levers.length > 0 && (
        <span className={styles.stepLevers}>
          {levers.map((state) => (
            <Button key={state} small isDisabled={report.isPending} onPress={() => report.mutate(state)}>
              Report {state}
              <span className="visually-hidden">: {step.name}</span>
            </Button>
          ))}
        </span>
      )}
      {report.error && (
        <span className={styles.stepNote}>
          <ProblemNote error={report.error} />
        </span>
      )}
    </li>
  );
}
