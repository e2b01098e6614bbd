import type { Cause } from '@signalbox/sdk/client/runs.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import type { RunStep, WholeRun } from '../../api/shapes.ts';
import { isOver, isSetAside } from '../../model/run.ts';
import { shortenMiddle } from '../../model/text.ts';
import { lampOf } from '../../model/lamps.ts';
import { LampSign } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import { ReleaseRun } from './release-run.tsx';
import styles from './run.module.css';

type HrefOf = (step: string) => { search: string };

/** Statuses of steps that have something to wait for. */
const waits = new Set(['pending', 'queued', 'waiting']);
/** Causes that nobody needs to know of: the run goes on. */
const goesOn = new Set(['running', 'handing-over']);

/** At the top of a run that does not go on: the root of it, with what to do next. */
export function WhyWaiting({ run, hrefOf }: { run: WholeRun; hrefOf: HrefOf }): ReactNode {
  const isAsked = !isOver(run) && (isSetAside(run) || run.steps.some(({ status }) => waits.has(status)));
  const why = useQuery({ ...queries.runWhy(run.id), enabled: isAsked });
  const root = why.data?.chain.at(-1);
  if (!isAsked || !why.data || root === undefined || goesOn.has(root.kind)) return null;
  return (
    <Note tone="caution">
      <Chain chain={why.data.chain} run={run.id} hrefOf={hrefOf} />
      <ReleaseRun run={run} />
    </Note>
  );
}

/** Why a step is not under way, from the step down to the root cause, each with the way to what can be done about it. */
export function WhyStep({ run, step, hrefOf }: { run: WholeRun; step: RunStep; hrefOf: HrefOf }): ReactNode {
  const isAsked = waits.has(step.status) && !isOver(run);
  const why = useQuery({ ...queries.runWhy(run.id, step.key), enabled: isAsked });
  if (!isAsked) return null;
  return (
    <PanelPart title="Why it waits">
      {why.error && <ProblemNote error={why.error} />}
      {why.data && (
        <Note>
          <Chain chain={why.data.chain} run={run.id} hrefOf={hrefOf} />
        </Note>
      )}
    </PanelPart>
  );
}

function Chain({ chain, run, hrefOf }: { chain: readonly Cause[]; run: string; hrefOf: HrefOf }): ReactNode {
  const next = chain.findLast((cause) => cause.next !== null)?.next;
  return (
    <>
      <ol className={styles.causes}>
        {chain.map((cause, depth) => (
          <li key={`${cause.run} ${cause.step ?? ''} ${depth}`}>
            <LampSign lamp={lampOf(cause.status)} size={14} />
            <span>
              <Place cause={cause} run={run} hrefOf={hrefOf} />: {cause.because}
              <Lever on={cause.on} />
              {cause.until && (
                <span className="quiet">
                  {' '}
                  (until <Moment at={cause.until} />)
                </span>
              )}
              {cause.holders.length > 0 && <Holders cause={cause} run={run} hrefOf={hrefOf} />}
            </span>
          </li>
        ))}
      </ol>
      {next && <p className="quiet">{next}</p>}
    </>
  );
}

function Place({ cause, run, hrefOf }: { cause: Pick<Cause, 'run' | 'step'>; run: string; hrefOf: HrefOf }): ReactNode {
  const { step } = cause;
  if (cause.run === run)
    return step === null ? (
      'The run'
    ) : (
      <Link to={hrefOf(step)} replace preventScrollReset>
        {step}
      </Link>
    );
  const search = step === null ? '' : `?step=${encodeURIComponent(step)}`;
  return (
    <Link to={`/runs/${cause.run}${search}`}>
      {step === null ? 'the run' : `${step} of the run`} {shortenMiddle(cause.run, 14)}
    </Link>
  );
}

/** Where something can be done about what it waits for. */
function Lever({ on }: { on: string | null }): ReactNode {
  const [kind, name = ''] = (on ?? '').split(/:(.*)/s, 2);
  if (kind === 'agent')
    return (
      <>
        {' '}
        <Link to={`/agents/${encodeURIComponent(name)}`}>Look at {name}</Link>
      </>
    );
  if (kind === 'approval')
    return (
      <>
        {' '}
        <Link to={`/approvals/${encodeURIComponent(name)}`}>Look at the approval</Link>
      </>
    );
  if (kind === 'tool') {
    const [server = '', tool = ''] = name.split('/', 2);
    return (
      <>
        {' '}
        <Link to={`/tools/${encodeURIComponent(server)}/${encodeURIComponent(tool)}`}>Look at {name}</Link>
      </>
    );
  }
  return null;
}

function Holders({ cause, run, hrefOf }: { cause: Cause; run: string; hrefOf: HrefOf }): ReactNode {
  return (
    <ul className={styles.holders} aria-label="Who holds the places">
      {cause.holders.map((holder) => (
        <li key={`${holder.run} ${holder.step}`}>
          <Place cause={{ run: holder.run, step: holder.step === '' ? null : holder.step }} run={run} hrefOf={hrefOf} />
          {holder.instance && ` on ${holder.instance}`}
          {holder.since && (
            <>
              , began <Moment at={holder.since} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
