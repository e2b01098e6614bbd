import type { Kpi } from '@signalbox/sdk/client/kpis.js';
import type { ReactNode } from 'react';
import { lineOf } from '../../model/kpis.ts';
import styles from './kpis.module.css';

/** How a KPI went, as a line with its target. For eyes alone: the table beside it says the same. */
export function KpiLine({ kpi, large = false }: { kpi: Pick<Kpi, 'points' | 'target'>; large?: boolean }): ReactNode {
  const { paths, targetAt } = lineOf(kpi);
  return (
    <svg className={large ? styles.large : styles.small} viewBox="0 -4 100 108" preserveAspectRatio="none" aria-hidden>
      {targetAt !== null && <line className={styles.target} x1="0" x2="100" y1={targetAt} y2={targetAt} />}
      {paths.map((path) => (
        <path key={path} className={styles.line} d={path} />
      ))}
    </svg>
  );
}
