import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useMemo, useRef, useState, type CSSProperties, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { WholeRun } from '../../api/shapes.ts';
import { lampOf } from '../../model/lamps.ts';
import { isOver } from '../../model/run.ts';
import { formatTick, timelineOf, type TimelineRow } from '../../model/timeline.ts';
import { formatSpan } from '../../model/time.ts';
import { useFastNow, useNow } from '../../parts/clock.ts';
import { LampSign } from '../../parts/lamp.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import styles from './timeline.module.css';

const rowHeight = 33;
/** Longer runs draw only the rows in view, and move once a second. */
const largeFrom = 150;

/** The run over time: one row a step, attempts as bars, time in the queue dashed, the critical path underlined. */
export function Timeline({
  run,
  selected,
  hrefOf,
}: {
  run: WholeRun;
  selected: string | null;
  hrefOf: (step: string) => { search: string };
}): ReactNode {
  const isGoing = !isOver(run);
  const isLarge = run.steps.length > largeFrom;
  const fast = useFastNow(isGoing && !isLarge);
  const slow = useNow();
  const now = isGoing && !isLarge ? fast : slow;
  const { rows, spanMs, ticks } = useMemo(() => timelineOf(run, now), [run, isGoing ? now : 0]);
  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setOffset(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtual = useWindowVirtualizer({
    count: isLarge ? rows.length : 0,
    estimateSize: () => rowHeight,
    overscan: 15,
    scrollMargin: offset,
  });

  if (rows.length === 0) {
    return (
      <Panel title="Timeline" flush>
        <Empty title="No step yet.">The steps appear as the run reaches them.</Empty>
      </Panel>
    );
  }
  const row = (i: number, style?: CSSProperties): ReactNode => {
    const each = rows[i];
    return each && <Row key={each.key} row={each} spanMs={spanMs} isSelected={each.key === selected} to={hrefOf(each.key)} style={style} />;
  };
  return (
    <Panel title="Timeline" note="underlined: critical path · dashed: queued" flush>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Timeline of the run">
        <div className={styles.chart}>
          <div className={`${styles.row} ${styles.scale}`} aria-hidden="true">
            <span />
            <span className={styles.lane}>
              {ticks.map((tick) => (
                <span key={tick} className={styles.tick} style={{ left: `${(tick / spanMs) * 100}%` }}>
                  {formatTick(tick, spanMs)}
                </span>
              ))}
            </span>
            <span />
          </div>
          <div
            ref={body}
            className={styles.body}
            role="list"
            aria-label="Steps"
            style={isLarge ? { height: `${virtual.getTotalSize()}px` } : undefined}
          >
            {isLarge
              ? virtual
                  .getVirtualItems()
                  .map(({ index, start }) => row(index, { position: 'absolute', transform: `translateY(${start - offset}px)` }))
              : rows.map((_, i) => row(i))}
          </div>
        </div>
      </div>
    </Panel>
  );
}

interface RowProps {
  row: TimelineRow;
  spanMs: number;
  isSelected: boolean;
  to: { search: string };
  style?: CSSProperties | undefined;
}

function Row({ row, spanMs, isSelected, to, style }: RowProps): ReactNode {
  const lamp = lampOf(row.status);
  const share = (ms: number): string => `${Math.min(100, (ms / spanMs) * 100)}%`;
  const attempts = row.segments.filter(({ kind }) => kind === 'attempt');
  return (
    <div role="listitem" className={styles.item} style={style}>
      <Link
        className={`${styles.row} ${styles.step} ${isSelected ? styles.selected : ''}`}
        to={to}
        replace
        preventScrollReset
        {...(isSelected && { 'aria-current': 'true' })}
      >
        <span className={styles.name}>
          <LampSign lamp={lamp} alone />
          <span className={styles.label} title={row.label}>
            {row.label}
          </span>
          {attempts.length > 1 && <span className="visually-hidden">, {attempts.length} attempts</span>}
          {row.critical && <span className="visually-hidden">, on the critical path</span>}
        </span>
        <span className={styles.lane} aria-hidden="true">
          {row.segments.map((segment) => (
            <span
              key={`${segment.kind} ${segment.number}`}
              className={segment.kind === 'queued' ? styles.queued : `${styles.bar} ${row.critical ? styles.critical : ''}`}
              style={
                {
                  left: share(segment.from),
                  width: share(segment.to - segment.from),
                  '--tone': `var(--${lampOf(segment.status).tone})`,
                } as CSSProperties
              }
            />
          ))}
        </span>
        <span className={styles.span}>{row.spanMs === null ? '–' : formatSpan(row.spanMs)}</span>
      </Link>
    </div>
  );
}
