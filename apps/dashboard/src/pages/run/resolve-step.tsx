import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { StepWord } from '@signalbox/sdk/client/runs.js';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import type { RunStep, WholeRun } from '../../api/shapes.ts';
import { isLost } from '../../model/run.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './run.module.css';

const told: Record<StepWord['action'], string> = { retry: 'is tried again', fail: 'has failed', output: 'has its output' };

/** Says what follows an attempt whose executor was lost: another one, the step has failed, or what it would have given. */
export function ResolveStep({ run, step }: { run: WholeRun; step: RunStep }): ReactNode {
  const mayResolve = useMay('runs:write');
  const [isTyping, setTyping] = useState(false);
  const queryClient = useQueryClient();
  const tell = useTell();
  const resolve = useMutation({
    mutationFn: (word: StepWord) => client.runs.resolve(run.id, step.key, word),
    onSuccess: async (_, { action }) => {
      await queryClient.invalidateQueries({ queryKey: ['run', run.id] });
      tell(`${step.key} ${told[action]}.`);
    },
  });
  if (!isLost(step) || !mayResolve) return null;
  const saying = resolve.isPending ? resolve.variables.action : null;
  return (
    <PanelPart title="What follows">
      {isTyping ? (
        <SchemaForm
          schema={null}
          action="Give this output"
          isPending={resolve.isPending}
          onSubmit={(output) => resolve.mutate({ action: 'output', output })}
        />
      ) : (
        <div className={styles.words}>
          <Button small isPending={saying === 'retry'} onPress={() => resolve.mutate({ action: 'retry' })}>
            Try it again
          </Button>
          <Button small isPending={saying === 'fail'} onPress={() => resolve.mutate({ action: 'fail' })}>
            It has failed
          </Button>
          <Button small onPress={() => setTyping(true)}>
            It has done its work
          </Button>
        </div>
      )}
      {resolve.error && <ProblemNote error={resolve.error} />}
    </PanelPart>
  );
}
