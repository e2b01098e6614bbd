import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import { useEffect, useRef, type ReactNode } from 'react';
import type { RunStep } from '../../api/shapes.ts';
import { eventText } from '../../model/run-events.ts';
import { counted, inert } from '../../model/text.ts';
import { formatClock } from '../../model/time.ts';
import { Panel } from '../../parts/panel.tsx';
import styles from './run.module.css';

/** Lines shown; the last are the ones that matter. */
const linesMax = 2_000;

/** What happened in one step, line by line; follows while the run goes and the end is in view. */
export function StepLog({ step, events, isGoing }: { step: RunStep; events: readonly RunEvent[]; isGoing: boolean }): ReactNode {
  const lines = events.filter((event) => event.step === step.key).slice(-linesMax);
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
          <div key={`${event.seq} ${i}`} className={styles.line}>
            <time dateTime={event.at}>{formatClock(event.at)}</time>
            <span>{inert(eventText(event))}</span>
          </div>
        ))}
        {!isGoing && <span className="faint">What an executor says while it works is shown as it comes, and is not kept.</span>}
      </div>
    </Panel>
  );
}
