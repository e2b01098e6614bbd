import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { isCut, type RunStep, type WholeRun } from '../../api/shapes.ts';
import { lampOf } from '../../model/lamps.ts';
import { dependantsOfStep, namesOf, needsOf, problemText, slackText, usageText } from '../../model/run.ts';
import { formatBytes } from '../../model/text.ts';
import { stepLabel } from '../../model/timeline.ts';
import { formatSpan } from '../../model/time.ts';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { useNow } from '../../parts/clock.ts';
import { Code, JsonCode } from '../../parts/code.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampSign, LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note, ProblemNote } from '../../parts/notes.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { RunAgainFrom } from './run-again.tsx';
import { ResolveStep } from './resolve-step.tsx';
import { SendSignal } from './send-signal.tsx';
import { WhyStep } from './why.tsx';
import styles from './run.module.css';

interface StepPanelProps {
  run: WholeRun;
  step: RunStep;
  hrefOf: (step: string | null) => { search: string };
  /** Shown as it stood once: nothing can be done about that. */
  isPast: boolean;
}

/** The selected step: attempts, input, output, what it waits for and what waits for it. */
export function StepPanel({ run, step, hrefOf, isPast }: StepPanelProps): ReactNode {
  const dependants = dependantsOfStep(step, run.steps).filter(({ status }) => ['pending', 'queued', 'waiting'].includes(status));
  const needs = needsOf(step, run.steps);
  const last = step.attempts.at(-1);
  return (
    <Panel
      title={stepLabel(step)}
      flush
      actions={
        <ButtonLink kind="quiet" small to={hrefOf(null)} replace preventScrollReset aria-label={`Close ${stepLabel(step)}`}>
          <X size={15} aria-hidden />
        </ButtonLink>
      }
    >
      <PanelPart>
        <KeyValues
          rows={[
            ['Status', <LampWord key="lamp" lamp={lampOf(step.status)} />],
            ['Step', stepLabel(step) === step.key ? null : <code key="key">{step.key}</code>],
            [
              'Agent',
              step.agent && (
                <Link key="agent" to={`/agents/${encodeURIComponent(step.agent)}`}>
                  {step.agent}
                </Link>
              ),
            ],
            ['Skill', step.skill],
            ['Tool', step.tool && <ToolLink key="tool" tool={step.tool} />],
            ['Model', step.model],
            ['Instance', last?.instance],
            [
              'Run',
              step.child && (
                <Link key="child" to={`/runs/${step.child}`}>
                  its own run
                </Link>
              ),
            ],
            ['Started', step.startedAt && <Moment key="at" at={step.startedAt} />],
            ['Needs', needs.length > 0 ? namesOf(needs) : null],
            ['Runs', step.part === 'finally' ? 'at the end, whatever that is' : step.part === 'undo' ? 'to undo what was done' : null],
            ['Used', usageText(step.usage)],
            ['Slack', slackText(step)],
          ]}
        />
      </PanelPart>
      {!isPast && (
        <>
          <WhyStep run={run} step={step} hrefOf={hrefOf} />
          <ResolveStep run={run} step={step} />
          <SendSignal run={run} step={step} />
          {run.progress.done + run.progress.failed > 0 && step.part !== 'undo' && <RunAgainFrom run={run} step={step} />}
        </>
      )}
      {step.error && (
        <PanelPart title="What went wrong">
          <Note tone="stop">
            {problemText(step.error)}
            {step.error.next && <p className="quiet">{step.error.next}</p>}
          </Note>
        </PanelPart>
      )}
      {step.degraded && (
        <PanelPart title="Degraded">
          <Note>
            Nobody could do it, and {step.status === 'skipped' ? 'it is skipped' : 'what it declares stands in'}:{' '}
            {problemText(step.degraded)}
            {step.degraded.next && <p className="quiet">{step.degraded.next}</p>}
          </Note>
        </PanelPart>
      )}
      {step.attempts.length > 0 && (
        <PanelPart title="Attempts">
          <Attempts step={step} />
        </PanelPart>
      )}
      <Values run={run} step={step} />
      {dependants.length > 0 && (
        <PanelPart title="What waits for it">
          <Note>
            {namesOf(dependants)} {dependants.length === 1 ? 'waits' : 'wait'} for this step.
          </Note>
        </PanelPart>
      )}
    </Panel>
  );
}

function ToolLink({ tool }: { tool: string }): ReactNode {
  const [server = '', name = ''] = tool.split('/', 2);
  return name ? <Link to={`/tools/${encodeURIComponent(server)}/${encodeURIComponent(name)}`}>{tool}</Link> : tool;
}

function Attempts({ step }: { step: RunStep }): ReactNode {
  const now = useNow();
  const hasMoved = new Set(step.attempts.map(({ agent }) => agent)).size > 1;
  return (
    <ol className={styles.attempts}>
      {step.attempts.map((attempt) => {
        const why = problemText(attempt.error);
        return (
          <li key={attempt.number} className={styles.attempt}>
            <LampSign lamp={lampOf(attempt.status)} alone />
            <span>
              {attempt.number}
              {hasMoved && attempt.agent && (
                <>
                  {' by '}
                  <Link to={`/agents/${encodeURIComponent(attempt.agent)}`}>{attempt.agent}</Link>
                </>
              )}
              {attempt.instance && <> on {attempt.instance}</>}
              {why && <span className={styles.why}>: {why}</span>}
            </span>
            <span className="num quiet">
              {attempt.usage && `${usageText(attempt.usage)} · `}
              {attempt.startedAt &&
                formatSpan(
                  (attempt.endedAt ? Date.parse(attempt.endedAt) : Math.max(now, Date.parse(attempt.startedAt))) -
                    Date.parse(attempt.startedAt),
                )}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Input and output; what was cut in the run's answer is fetched whole when asked for. */
function Values({ run, step }: { run: WholeRun; step: RunStep }): ReactNode {
  const [whole, setWhole] = useState(false);
  const isLarge = isCut(step.input) || isCut(step.output);
  const full = useQuery({ ...queries.runStep(run.id, step.key), enabled: whole && isLarge });
  const shown = full.data ?? step;
  const value = (title: string, part: unknown): ReactNode => {
    if (part === undefined || part === null) return null;
    return (
      <PanelPart title={title}>
        {isCut(part) ? (
          <>
            <Code text={`${part.preview}…`} label={title} max="short" />
            <Button small isPending={full.isFetching} onPress={() => setWhole(true)} className={styles.whole}>
              Show all {formatBytes(part.bytes)}
            </Button>
          </>
        ) : (
          <JsonCode value={part} label={title} max={whole ? 'tall' : 'short'} />
        )}
      </PanelPart>
    );
  };
  return (
    <>
      {full.error && (
        <PanelPart>
          <ProblemNote error={full.error} />
        </PanelPart>
      )}
      {value('Input', shown.input)}
      {value('Output', shown.output)}
    </>
  );
}
