import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import type { WholeRun } from '../../api/shapes.ts';
import { conversationsIn } from '../../model/conversation.ts';
import { lampOf } from '../../model/lamps.ts';
import { approvalsOf, culprit, endingOf, isDoneAgain, isOver, problemText, runFacts } from '../../model/run.ts';
import { shortenMiddle } from '../../model/text.ts';
import { stepLabel } from '../../model/timeline.ts';
import { ButtonLink, DownloadLink } from '../../parts/button.tsx';
import { useFastNow, useNow } from '../../parts/clock.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import { useSelection } from '../../routing/selection.ts';
import { useMay } from '../../shell/who.ts';
import { Budgets } from './budgets.tsx';
import { DeleteRun } from './delete-run.tsx';
import { EventsView } from './events-view.tsx';
import { History, usePast } from './history.tsx';
import { StepLog } from './step-log.tsx';
import { RunAgain } from './run-again.tsx';
import { StepPanel } from './step-panel.tsx';
import { Timeline } from './timeline.tsx';
import { UpgradeRun } from './upgrade-run.tsx';
import { useRunEvents } from './use-run-events.ts';
import { WhyWaiting } from './why.tsx';

const RunGraph = lazy(() => import('./run-graph.tsx'));
const Conversation = lazy(() => import('./conversation.tsx'));
const ResultView = lazy(() => import('./result-view.tsx'));

const tabs = [
  { id: 'timeline', label: 'Timeline' },
  { id: 'graph', label: 'Graph' },
  { id: 'events', label: 'Events' },
  { id: 'result', label: 'Result' },
];

/** One run: how it went, step by step, and what came out. */
export default function RunPage(): ReactNode {
  const { id = '' } = useParams();
  const run = useQuery(queries.run(id));
  return (
    <Page
      title={run.data?.workflow ?? 'Run'}
      parent={{ label: 'Runs', to: '/runs' }}
      sentence={run.data ? <RunSentence run={run.data} /> : <CopyId id={id} max={30} />}
      actions={run.data && <RunLevers run={run.data} />}
      tabs={<Tabs tabs={tabs} label="Views of the run" />}
    >
      <Loaded query={run} rows={12}>
        {(data) => <RunViews run={data} />}
      </Loaded>
    </Page>
  );
}

function RunSentence({ run }: { run: WholeRun }): ReactNode {
  const going = !isOver(run);
  const fast = useFastNow(going);
  const slow = useNow();
  const forkedFrom = run.labels['forked-from'];
  return (
    <Facts>
      {[
        <LampWord key="lamp" lamp={lampOf(run.status)}>
          {lampOf(run.status).word}
        </LampWord>,
        ...runFacts(run, going ? fast : slow),
        run.startedHash === undefined ? null : (
          <span key="version">
            version <code>{shortHash(run.workflowHash)}</code>, began as <code>{shortHash(run.startedHash)}</code>
          </span>
        ),
        run.reason && run.reason !== run.status && run.reason !== problemText(run.error) ? run.reason : null,
        run.parent ? (
          <span key="parent">
            started by <RunLink run={run.parent} />
          </span>
        ) : null,
        forkedFrom ? (
          <span key="fork">
            {isDoneAgain(run) ? 'does again what is recorded of' : 'goes on from'} <RunLink run={forkedFrom} /> (
            <Link to={`/runs/${forkedFrom}/compare/${run.id}`}>compare</Link>)
          </span>
        ) : null,
        run.origin ? `imported by ${run.origin.importedBy}, was ${run.origin.run}` : null,
        <span key="at">
          started <Moment at={run.createdAt} />
        </span>,
        <CopyId key="id" id={run.id} />,
      ]}
    </Facts>
  );
}

function RunLink({ run }: { run: string }): ReactNode {
  return (
    <Link to={`/runs/${run}`} title={run}>
      <code>{shortenMiddle(run, 15)}</code>
    </Link>
  );
}

/** As much of a definition's hash as tells it from others. */
function shortHash(hash: string): string {
  return hash.replace('sha256:', '').slice(0, 8);
}

function RunLevers({ run }: { run: WholeRun }): ReactNode {
  const mayCancel = useMay('runs:write');
  const queryClient = useQueryClient();
  const tell = useTell();
  const ending = endingOf(run);
  return (
    <>
      {isOver(run) && (
        <DownloadLink href={`/api/v1/runs/${run.id}/export`} name={`${run.id}.run.jsonl`}>
          Export
        </DownloadLink>
      )}
      {isOver(run) && <DeleteRun run={run} />}
      {mayCancel && isOver(run) && !run.workflow.includes('/') && (
        <ButtonLink to={`/workflows/${run.workflow}?view=start&from=${run.id}`}>Run again</ButtonLink>
      )}
      {mayCancel && !isOver(run) && ending === null && !run.workflow.includes('/') && <UpgradeRun run={run} />}
      {run.status !== 'succeeded' && !isDoneAgain(run) && <RunAgain run={run} />}
      {mayCancel && !isOver(run) && ending !== 'undoing' && (
        <Confirm
          action="Cancel run"
          keep="Let it go on"
          question={`Cancel this run of ${run.workflow}?`}
          onConfirm={async () => {
            await client.runs.cancel(run.id);
            await queryClient.invalidateQueries({ queryKey: ['run', run.id] });
            tell(`The run of ${run.workflow} is being cancelled.`);
          }}
        >
          <p>
            {ending === 'finishing'
              ? 'Its work has ended. The steps that tidy up will be told to stop, and the rest of them will not begin.'
              : run.progress.running > 0
                ? `${run.progress.running === 1 ? 'The step that is' : `The ${run.progress.running} steps that are`} at work will be told to stop, and the rest will not begin.`
                : 'Its remaining steps will not begin.'}{' '}
            What is done stays recorded{ending === null && ', or is undone where the workflow says so'}. A cancel cannot be taken back.
          </p>
        </Confirm>
      )}
    </>
  );
}

function RunViews({ run: current }: { run: WholeRun }): ReactNode {
  const tab = useTab(tabs);
  const { selected, hrefOf } = useSelection('step');
  const log = useRunEvents(current.id, !isOver(current));
  const { past, at, error } = usePast(current);
  const run = past ?? current;
  const step = run.steps.find(({ key }) => key === selected) ?? null;
  const conversation = step === null ? conversationsIn(run.steps)[0] : step.kind === 'llm' && step.index !== null ? step.step : undefined;
  const { budgets = [] } = run;
  const aside = tab !== 'result' && (step !== null || budgets.length > 0) && (
    <>
      {step && <StepPanel key={step.key} run={run} step={step} hrefOf={hrefOf} isPast={past !== null} />}
      {budgets.length > 0 && <Budgets budgets={budgets} />}
    </>
  );
  return (
    <>
      {past === null && (
        <>
          <WhyFailed run={run} hrefOf={hrefOf} />
          <InsteadOf run={run} />
          <Degraded run={run} hrefOf={hrefOf} />
          <NotUndone run={run} hrefOf={hrefOf} />
          <AskedOfPeople run={run} />
          <WhyWaiting run={run} hrefOf={hrefOf} />
        </>
      )}
      {tab !== 'events' && <History run={current} events={log.events} at={at} error={error} />}
      <Beside aside={aside}>
        {tab === 'timeline' && (
          <>
            <Timeline run={run} selected={selected} hrefOf={hrefOf} />
            {conversation !== undefined && (
              <Suspense fallback={<Placeholder rows={8} />}>
                <Conversation run={run} step={conversation} hrefOf={hrefOf} />
              </Suspense>
            )}
            {step && past === null && <StepLog run={run.id} step={step} events={log.events} isGoing={!isOver(run)} />}
          </>
        )}
        {tab === 'graph' && (
          <Panel title="Graph" note="thick: critical path" flush>
            <Suspense fallback={<Placeholder rows={10} />}>
              <RunGraph run={run} selected={selected} />
            </Suspense>
          </Panel>
        )}
        {tab === 'events' && <EventsView run={run} log={log} hrefOf={hrefOf} />}
        {tab === 'result' && (
          <Suspense fallback={<Placeholder rows={8} />}>
            <ResultView run={run} />
          </Suspense>
        )}
      </Beside>
    </>
  );
}

/** Open approvals named one by one; the rest is counted. */
const askedMax = 3;

/** What the run waits for people to decide, at the top, with the way there. */
function AskedOfPeople({ run }: { run: WholeRun }): ReactNode {
  const asked = approvalsOf(run.steps);
  if (asked.length === 0) return null;
  const rest = asked.length - askedMax;
  return (
    <Note>
      Waits for an approval:{' '}
      {asked.slice(0, askedMax).map(({ id, step }, n) => (
        <span key={id}>
          {n > 0 && ', '}
          <Link to={`/approvals/${encodeURIComponent(id)}`}>{stepLabel(step)}</Link>
        </span>
      ))}
      {rest > 0 && ` and ${rest} more`}
    </Note>
  );
}

/** Why a run failed, at the top, with the way to the step that did it. */
function WhyFailed({ run, hrefOf }: { run: WholeRun; hrefOf: (step: string) => { search: string } }): ReactNode {
  if (run.status !== 'failed') return null;
  const step = culprit(run);
  const why = problemText(step?.error) ?? problemText(run.error) ?? run.reason ?? 'it does not say why';
  const next = step?.error?.next ?? run.error?.next;
  return (
    <Note tone="stop">
      {step ? (
        <>
          Failed at{' '}
          <Link to={hrefOf(step.key)} replace preventScrollReset>
            {stepLabel(step)}
          </Link>
          : {why}
        </>
      ) : (
        <>Failed: {why}</>
      )}{' '}
      {next && <span className="quiet">{next}</span>}
    </Note>
  );
}

/** Another workflow was asked for, which was scaled back to this one. */
function InsteadOf({ run: { insteadOf } }: { run: WholeRun }): ReactNode {
  if (!insteadOf) return null;
  return (
    <Note>
      In place of <Link to={`/workflows/${encodeURIComponent(insteadOf.workflow)}`}>{insteadOf.workflow}</Link>, which was scaled back:{' '}
      {insteadOf.because}
    </Note>
  );
}

/** Steps for which something stands in: what the run gives is not what it could have given. */
function Degraded({ run, hrefOf }: { run: WholeRun; hrefOf: (step: string) => { search: string } }): ReactNode {
  const { degraded = [] } = run;
  if (degraded.length === 0) return null;
  return (
    <Note>
      Degraded: nobody could do these steps, and what they declare stands in.
      <ul>
        {degraded.map(({ step, error }) => (
          <li key={step}>
            <Link to={hrefOf(step)} replace preventScrollReset>
              {step}
            </Link>
            : {problemText(error)}
          </li>
        ))}
      </ul>
    </Note>
  );
}

/** What the run did and could not undo: that is left to a person. */
function NotUndone({ run, hrefOf }: { run: WholeRun; hrefOf: (step: string) => { search: string } }): ReactNode {
  const { notUndone = [] } = run;
  if (notUndone.length === 0) return null;
  return (
    <Note tone="stop">
      What could not be undone, and is left to be mended by hand:
      <ul>
        {notUndone.map(({ step, error }) => (
          <li key={step}>
            <Link to={hrefOf(step)} replace preventScrollReset>
              {step}
            </Link>
            : {problemText(error)}
          </li>
        ))}
      </ul>
    </Note>
  );
}
