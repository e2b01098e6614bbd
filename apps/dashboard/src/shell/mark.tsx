import type { ReactNode } from 'react';
import styles from './mark.module.css';

/** The mark of Signalbox: a signal with its three lights. */
export function Mark({ size = 22 }: { size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" className={styles.mark}>
      <rect className={styles.case} x="6.6" y="1.5" width="10.8" height="21" rx="4" />
      <circle className={styles.stop} cx="12" cy="6.3" r="2.3" />
      <circle className={styles.caution} cx="12" cy="12" r="2.3" />
      <circle className={styles.clear} cx="12" cy="17.7" r="2.3" />
    </svg>
  );
}
