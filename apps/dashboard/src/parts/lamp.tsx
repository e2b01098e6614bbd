import type { ReactNode } from 'react';
import type { Lamp } from '../model/lamps.ts';
import styles from './lamp.module.css';

/** The sign of a state: its shape and colour. Beside it stands the word; where it does not (`alone`), the sign says it to screen readers. */
export function LampSign({ lamp, size = 16, alone = false }: { lamp: Lamp; size?: number; alone?: boolean }): ReactNode {
  return (
    <svg
      className={`${styles.sign} ${styles[lamp.tone]}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      {...(alone ? { role: 'img', 'aria-label': lamp.word } : { 'aria-hidden': true })}
    >
      <LampShapes shape={lamp.shape} />
    </svg>
  );
}

/** The drawing alone, for use inside another SVG whose element has the tone's class. */
export function LampShapes({ shape }: { shape: Lamp['shape'] }): ReactNode {
  switch (shape) {
    case 'tick':
      return (
        <>
          <circle cx="8" cy="8" r="7" fill="currentColor" />
          <path className={styles.cut} d="m4.9 8.2 2.1 2.1 4.1-4.4" />
        </>
      );
    case 'moving':
      return (
        <>
          <circle className={styles.ring} cx="8" cy="8" r="6.1" />
          <path className={styles.quarter} d="M8 8V3.4A4.6 4.6 0 0 1 12.6 8Z" fill="currentColor" />
        </>
      );
    case 'play':
      return (
        <>
          <circle className={styles.ring} cx="8" cy="8" r="6.1" />
          <path d="M6.5 5.2v5.6L11 8Z" fill="currentColor" />
        </>
      );
    case 'bars':
      return (
        <>
          <rect className={styles.ring} x="1.9" y="1.9" width="12.2" height="12.2" rx="2.6" />
          <path className={styles.stroke} d="M6.3 5.6v4.8M9.7 5.6v4.8" />
        </>
      );
    case 'lines':
      return (
        <>
          <circle className={styles.ring} cx="8" cy="8" r="6.1" />
          <path className={styles.stroke} d="M5.6 6.6h4.8M5.6 9.4h4.8" />
        </>
      );
    case 'triangle':
      return (
        <>
          <path className={styles.ring} d="M8 2.2 14.4 13.4H1.6Z" />
          <path className={styles.stroke} d="M8 6.6v3M8 11.3v.2" />
        </>
      );
    case 'cross':
      return (
        <>
          <circle cx="8" cy="8" r="7" fill="currentColor" />
          <path className={styles.cut} d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" />
        </>
      );
    case 'broken':
      return (
        <>
          <circle className={`${styles.ring} ${styles.broken}`} cx="8" cy="8" r="6.4" />
          <path className={styles.stroke} d="m5.9 5.9 4.2 4.2m0-4.2-4.2 4.2" />
        </>
      );
  }
}

/** The sign and its word. `children` stand in for the word where more is to be said. */
export function LampWord({ lamp, children }: { lamp: Lamp; children?: ReactNode }): ReactNode {
  return (
    <span className={`${styles.word} ${styles[lamp.tone]}`}>
      <LampSign lamp={lamp} />
      <span className={styles.text}>{children ?? lamp.word}</span>
    </span>
  );
}

/** The class that gives an SVG element a tone's colour. */
export function toneClass(tone: Lamp['tone']): string | undefined {
  return styles[tone];
}
