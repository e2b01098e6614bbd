import type { ReactNode } from 'react';
import { formatPercent } from '../model/text.ts';
import type { LampTone } from '../model/lamps.ts';
import styles from './progress.module.css';

/** How far something is: a bar and the figure. */
export function Progress({ share, tone, label }: { share: number; tone: LampTone; label: string }): ReactNode {
  return (
    <span className={styles.progress}>
      <span
        className={styles.bar}
        role="progressbar"
        aria-label={label}
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <span className={`${styles.fill} ${styles[tone]}`} style={{ inlineSize: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
      </span>
      <span className="num">{formatPercent(share)}</span>
    </span>
  );
}
