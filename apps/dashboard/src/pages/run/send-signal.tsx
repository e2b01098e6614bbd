import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import type { Json, RunStep, WholeRun } from '../../api/shapes.ts';
import { signalOf } from '../../model/run.ts';
import { Button } from '../../parts/button.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';

/** Sends the signal that a step waits for; what is typed becomes the step's output. */
export function SendSignal({ run, step }: { run: WholeRun; step: RunStep }): ReactNode {
  const name = signalOf(step);
  const maySend = useMay('runs:write');
  const [isOpen, setOpen] = useState(false);
  const queryClient = useQueryClient();
  const tell = useTell();
  const send = useMutation({
    mutationFn: (data: Json) => client.runs.signal(run.id, name ?? '', data),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['run', run.id] });
      tell(`The signal ${name} was sent.`);
    },
  });
  if (name === null || !maySend) return null;
  return (
    <PanelPart>
      {isOpen ? (
        <SchemaForm schema={null} action={`Send ${name}`} isPending={send.isPending} onSubmit={(data) => send.mutate(data)} />
      ) : (
        <Button small onPress={() => setOpen(true)}>
          Send {name}
        </Button>
      )}
      {send.error && <ProblemNote error={send.error} />}
    </PanelPart>
  );
}
