import type { ReactNode } from 'react';
import styles from './chip.module.css';

/** A small mark beside a name. */
export function Chip({
  children,
  tone = 'plain',
  title,
}: {
  children: ReactNode;
  tone?: 'plain' | 'caution' | 'stop' | 'accent';
  title?: string;
}): ReactNode {
  return (
    <span className={`${styles.chip} ${styles[tone]}`} title={title}>
      {children}
    </span>
  );
}
