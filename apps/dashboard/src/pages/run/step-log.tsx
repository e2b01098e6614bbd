import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import { stepLog } from '@signalbox/sdk/client/step-log.js';
import { useQuery } from '@tanstack/react-query';
import { Fragment, useEffect, useMemo, useRef, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import type { RunStep } from '../../api/shapes.ts';
import { eventText } from '../../model/run-events.ts';
import { counted, formatPercent, inert } from '../../model/text.ts';
import { formatClock } from '../../model/time.ts';
import { Panel } from '../../parts/panel.tsx';
import styles from './run.module.css';

/** Lines shown; the last are the ones that matter. */
const linesMax = 2_000;

interface StepLogProps {
  run: string;
  step: RunStep;
  events: readonly RunEvent[];
  isGoing: boolean;
}

/** What happened in one step and was said of its attempts, line by line; follows while the run goes and the end is in view. */
export function StepLog({ run, step, events, isGoing }: StepLogProps): ReactNode {
  // Whoever looks later, or has come later, finds what was said there.
  const whole = useQuery({ ...queries.runStep(run, step.key), enabled: step.attempts.length > 0 });
  const { attempts } = whole.data ?? step;
  const lines = useMemo(() => stepLog(run, { key: step.key, attempts }, events).slice(-linesMax), [run, step.key, attempts, events]);
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length]);
  return (
    <Panel title="Log of this step" note={isGoing ? 'following' : lines.length > 0 ? counted(lines.length, 'line') : undefined}>
      <div
        ref={box}
        className={styles.log}
        tabIndex={0}
        role="log"
        aria-label="Log of this step"
        onScroll={({ currentTarget }) => {
          isAtEnd.current = currentTarget.scrollHeight - currentTarget.scrollTop - currentTarget.clientHeight < 24;
        }}
      >
        {lines.length === 0 && <span className="faint">{isGoing ? 'Nothing yet.' : 'Nothing is recorded.'}</span>}
        {lines.map((event, i) => (
          <Fragment key={`${event.seq} ${i}`}>
            {event.dropped !== undefined && <div className="faint">{counted(event.dropped, 'earlier line')} not kept</div>}
            <div className={styles.line}>
              <time dateTime={event.at}>{formatClock(event.at)}</time>
              <span>
                {inert(eventText(event))}
                {event.fraction !== undefined && <span className={styles.fraction}>{formatPercent(event.fraction)}</span>}
              </span>
            </div>
          </Fragment>
        ))}
      </div>
    </Panel>
  );
}
