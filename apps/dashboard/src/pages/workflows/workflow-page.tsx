import type { WorkflowDetail } from '@signalbox/sdk/client/workflows.js';
import { newIdempotencyKey } from '@signalbox/sdk/client/transport.js';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Play } from 'lucide-react';
import { lazy, Suspense, useRef, type ReactNode } from 'react';
import { Link, useNavigate, useParams, useSearchParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import type { Json, WholeRun } from '../../api/shapes.ts';
import { counted, inert } from '../../model/text.ts';
import { ButtonLink } from '../../parts/button.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import { useMay } from '../../shell/who.ts';
import { ScaleBackOrRestore, ScaledBackNote } from './scaling.tsx';
import { Versions } from './versions.tsx';
import { RunsTable } from '../runs/runs-table.tsx';

const Manifest = lazy(() => import('../../parts/manifest.tsx'));

/** One workflow: its runs, its definition, and a form that starts a run. */
export default function WorkflowPage(): ReactNode {
  const { name = '' } = useParams();
  const workflow = useQuery(queries.workflow(name));
  const mayStart = useMay('runs:write');
  const tabs = [
    { id: 'runs', label: 'Runs' },
    { id: 'definition', label: 'Definition' },
    { id: 'versions', label: 'Versions' },
    ...(mayStart ? [{ id: 'start', label: 'Start a run' }] : []),
  ];
  const tab = useTab(tabs);
  const steps = workflow.data ? Object.keys(workflow.data.manifest.spec.steps).length : 0;
  return (
    <Page
      title={name}
      parent={{ label: 'Workflows', to: '/workflows' }}
      sentence={
        workflow.data && (
          <>
            {workflow.data.description && <div>{inert(workflow.data.description)}</div>}
            <Facts>
              {[
                counted(steps, 'step'),
                workflow.data.version !== undefined && `version ${workflow.data.version}`,
                <span key="at">
                  changed <Moment at={workflow.data.updatedAt} />
                </span>,
                <CopyId key="hash" id={workflow.data.hash} max={20} />,
              ]}
            </Facts>
          </>
        )
      }
      actions={
        <>
          {workflow.data && <ScaleBackOrRestore workflow={workflow.data} />}
          {mayStart && tab !== 'start' && (
            <ButtonLink kind="primary" to="?view=start" replace>
              <Play size={15} aria-hidden />
              Start a run
            </ButtonLink>
          )}
        </>
      }
      tabs={<Tabs tabs={tabs} label={`Views of ${name}`} />}
    >
      {workflow.data && <ScaledBackNote workflow={workflow.data} />}
      {tab === 'runs' && <WorkflowRuns name={name} />}
      {tab === 'versions' && <Versions name={name} />}
      {(tab === 'definition' || tab === 'start') && (
        <Loaded query={workflow} rows={8}>
          {(data) =>
            tab === 'start' ? (
              <Start workflow={data} />
            ) : (
              <Panel title="Definition">
                <Suspense fallback={<Placeholder />}>
                  <Manifest value={data.manifest} name={name} />
                </Suspense>
              </Panel>
            )
          }
        </Loaded>
      )}
    </Page>
  );
}

function WorkflowRuns({ name }: { name: string }): ReactNode {
  const runs = useQuery(queries.latestRuns({ workflow: name }, 50));
  return (
    <Panel
      title="Latest runs"
      actions={
        <ButtonLink small to={`/runs?workflow=${encodeURIComponent(name)}`}>
          All runs of it
        </ButtonLink>
      }
      flush
    >
      <Loaded query={runs}>
        {(data) => <RunsTable runs={data} empty={<Empty title="It has not run yet." command={`npx signalbox run ${name} --follow`} />} />}
      </Loaded>
    </Panel>
  );
}

/** With `?from=RUN` the form is filled with what that run was started with. */
function Start({ workflow }: { workflow: WorkflowDetail }): ReactNode {
  const [search] = useSearchParams();
  const from = search.get('from');
  const before = useQuery({ ...queries.run(from ?? ''), enabled: from !== null });
  if (from === null) return <StartForm workflow={workflow} />;
  return (
    <Loaded query={before} rows={8}>
      {(run) => <StartForm key={from} workflow={workflow} before={run} />}
    </Loaded>
  );
}

function StartForm({ workflow, before }: { workflow: WorkflowDetail; before?: WholeRun }): ReactNode {
  const navigate = useNavigate();
  // One key per filled form: a second press after a lost answer gives the same run and not another.
  const key = useRef(newIdempotencyKey());
  const start = useMutation({
    mutationFn: (input: Json) => client.workflows.start(workflow.name, { input }, { idempotencyKey: key.current }),
    onSuccess: (run) => navigate(`/runs/${run.id}`),
    onError: () => {
      key.current = newIdempotencyKey();
    },
  });
  return (
    <Panel title={`Start a run of ${workflow.name}`}>
      {before && (
        <p className="quiet">
          Filled with the input of <Link to={`/runs/${before.id}`}>a run</Link> that began <Moment at={before.createdAt} />.
        </p>
      )}
      <SchemaForm
        schema={workflow.input ?? workflow.manifest.spec.input}
        initial={before?.input as Json | undefined}
        action="Start the run"
        isPending={start.isPending}
        onSubmit={(input) => start.mutate(input)}
      />
      {start.error && <ProblemNote error={start.error} />}
    </Panel>
  );
}
