import type { Board } from '@signalbox/sdk/client/deployments.js';
import type { CSSProperties, ReactNode } from 'react';
import { ganttOf } from '../../model/gantt.ts';
import { lampOf } from '../../model/lamps.ts';
import { formatDays, formatSlack } from '../../model/time.ts';
import { LampSign } from '../../parts/lamp.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import styles from './gantt.module.css';

/** What remains of a deployment as bars over days: solid to the middle of the estimate, light to its high end, dotted for slack. */
export function Gantt({ board }: { board: Board }): ReactNode {
  const { bars, days } = ganttOf(board.agents);
  if (bars.length === 0) {
    return (
      <Panel title="Timeline" flush>
        <Empty title="Nothing remains.">All agents of this deployment are done.</Empty>
      </Panel>
    );
  }
  const width = Math.max(days, 0.001);
  const step = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50].find((each) => width / each <= 10) ?? 100;
  const ticks = Array.from({ length: Math.floor(width / step) + 1 }, (_, i) => i * step);
  const share = (value: number): string => `${(value / width) * 100}%`;
  return (
    <Panel title="Timeline" note="underlined: critical path · dotted: slack" flush>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Timeline of what remains">
        <div className={styles.chart}>
          <div className={`${styles.row} ${styles.scale}`}>
            <span />
            <span className={styles.lane}>
              {ticks.map((tick) => (
                <span key={tick} className={styles.tick} style={{ left: share(tick) }}>
                  {tick === 0 ? 'now' : `${Math.round(tick * 100) / 100} d`}
                </span>
              ))}
            </span>
            <span />
          </div>
          {bars.map((bar) => {
            const lamp = lampOf(bar.status);
            return (
              <div key={bar.name} className={styles.row}>
                <span className={styles.name}>
                  <LampSign lamp={lamp} alone />
                  {bar.name}
                </span>
                <span className={styles.lane}>
                  <span className={styles.maybe} style={{ left: share(bar.end), width: share(bar.latest - bar.end) }} />
                  <span className={styles.slack} style={{ left: share(bar.end), width: share(bar.slack) }} />
                  <span
                    className={`${styles.bar} ${bar.critical ? styles.critical : ''}`}
                    style={{ left: share(bar.start), width: share(bar.end - bar.start), '--tone': `var(--${lamp.tone})` } as CSSProperties}
                  />
                </span>
                <span className={styles.end}>
                  {formatDays([bar.end, bar.end])}
                  <span className="visually-hidden">, slack {formatSlack(bar.slack)}</span>
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </Panel>
  );
}
