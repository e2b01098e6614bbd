import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import type { Json, RunStep, WholeRun } from '../../api/shapes.ts';
import { isOver } from '../../model/run.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { Placeholder } from '../../parts/loaded.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import { useMay } from '../../shell/who.ts';
import form from '../../parts/form.module.css';

/** Goes on from an ended run in a new one, which opens: what was not done is. */
export function RunAgain({ run }: { run: WholeRun }): ReactNode {
  const mayStart = useMay('runs:write');
  const navigate = useNavigate();
  const fork = useMutation({ mutationFn: () => client.runs.fork(run.id), onSuccess: (forked) => navigate(`/runs/${forked.id}`) });
  if (!mayStart || !isOver(run)) return null;
  return (
    <>
      <Button isPending={fork.isPending} onPress={() => fork.mutate()}>
        Retry what was not done
      </Button>
      {fork.error && <ProblemNote error={fork.error} />}
    </>
  );
}

/** The same for a step and all that follows it, with another input or another version of its agent where that is wanted. */
export function RunAgainFrom({ run, step }: { run: WholeRun; step: RunStep }): ReactNode {
  const mayStart = useMay('runs:write');
  const [isOpen, setOpen] = useState(false);
  if (!mayStart || !isOver(run)) return null;
  return (
    <PanelPart>
      <Button small onPress={() => setOpen(true)}>
        Run again from here
      </Button>
      <Dialogue title={`Run again from ${step.step}`} isOpen={isOpen} onClose={() => setOpen(false)} wide>
        <AgainForm run={run} step={step} onClose={() => setOpen(false)} />
      </Dialogue>
    </PanelPart>
  );
}

function AgainForm({ run, step, onClose }: { run: WholeRun; step: RunStep; onClose: () => void }): ReactNode {
  const navigate = useNavigate();
  const agent = step.kind === 'agent' ? step.agent : null;
  const [version, setVersion] = useState('');
  const versions = useQuery({ ...queries.agentVersions(agent ?? ''), enabled: agent !== null });
  // Where the workflow is not there any more, its input is typed as JSON.
  const workflow = useQuery({ ...queries.workflow(run.workflow), enabled: !run.workflow.includes('/'), retry: false });
  const fork = useMutation({
    mutationFn: (input: Json) =>
      client.runs.fork(run.id, {
        from: [step.step],
        ...(JSON.stringify(input) !== JSON.stringify(run.input ?? {}) && { input }),
        ...(agent !== null && version !== '' && { versions: { [agent]: Number(version) } }),
      }),
    onSuccess: (forked) => navigate(`/runs/${forked.id}`),
  });
  if (workflow.isLoading) return <Placeholder />;
  return (
    <>
      <p className="quiet">
        A new run does this step and all that follows it. What came before is kept as it was, whatever the input says.
      </p>
      {agent !== null && (
        <label className={form.field}>
          <span>Version of {agent}</span>
          <select value={version} onChange={(event) => setVersion(event.target.value)}>
            <option value="">As it is now</option>
            {versions.data?.map((each) => (
              <option key={each.version} value={each.version}>
                {each.version}
              </option>
            ))}
          </select>
        </label>
      )}
      <SchemaForm
        schema={workflow.data?.input ?? workflow.data?.manifest.spec.input}
        initial={run.input as Json | undefined}
        action="Run again"
        isPending={fork.isPending}
        onSubmit={(input) => fork.mutate(input)}
      >
        <Button onPress={onClose}>Not now</Button>
      </SchemaForm>
      {fork.error && <ProblemNote error={fork.error} />}
    </>
  );
}
