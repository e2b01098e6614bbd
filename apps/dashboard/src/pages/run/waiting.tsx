import type { ReactNode } from 'react';
import { Link } from 'react-router';
import type { RunStep } from '../../api/shapes.ts';
import { stepLabel } from '../../model/timeline.ts';
import { Note } from '../../parts/notes.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import styles from './run.module.css';

/** What a step waits for and why, each with the way to what can be done about it. */
export function Waiting({
  step,
  steps,
  hrefOf,
}: {
  step: RunStep;
  steps: readonly RunStep[];
  hrefOf: (step: string) => { search: string };
}): ReactNode {
  if (step.waitingFor.length === 0) return null;
  return (
    <PanelPart title="What it waits for">
      <Note>
        <ul className={styles.waiting}>
          {step.waitingFor.map(({ on, because }) => (
            <li key={`${on} ${because}`}>
              <Cause on={on} steps={steps} hrefOf={hrefOf} />
              {because}
            </li>
          ))}
        </ul>
      </Note>
    </PanelPart>
  );
}

function Cause({ on, steps, hrefOf }: { on: string; steps: readonly RunStep[]; hrefOf: (step: string) => { search: string } }): ReactNode {
  const colon = on.indexOf(':');
  const kind = colon < 0 ? '' : on.slice(0, colon);
  const name = on.slice(colon + 1);
  if (kind === 'step' || kind === '') {
    const other = steps.find(({ key }) => key === name) ?? steps.find((each) => each.step === name);
    return other ? (
      <>
        <Link to={hrefOf(other.key)} replace preventScrollReset>
          {stepLabel(other)}
        </Link>
        {': '}
      </>
    ) : null;
  }
  if (kind === 'agent') {
    return (
      <>
        <Link to={`/agents/${encodeURIComponent(name)}`}>{name}</Link>
        {': '}
      </>
    );
  }
  if (kind === 'signal') return `the signal ${name}: `;
  if (kind === 'approval') {
    return (
      <>
        <Link to={`/approvals/${encodeURIComponent(name)}`}>an approval</Link>
        {': '}
      </>
    );
  }
  if (kind === 'run') {
    return (
      <>
        <Link to={`/runs/${encodeURIComponent(name)}`}>a run</Link>
        {': '}
      </>
    );
  }
  return null;
}
