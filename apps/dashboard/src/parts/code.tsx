import type { ReactNode } from 'react';
import { compactJson } from '../model/json.ts';
import { inert } from '../model/text.ts';
import { CopyButton } from './copy.tsx';
import styles from './code.module.css';

/** Shown at most; the whole is copied. A browser stalls on lines of a megabyte. */
const shownMax = 60_000;

/** Text of any origin, in monospace, as text. */
export function Code({ text, label, max = 'tall' }: { text: string; label: string; max?: 'short' | 'tall' }): ReactNode {
  const shown = text.length > shownMax ? `${text.slice(0, shownMax)}\n…` : text;
  return (
    <div className={styles.frame}>
      <pre className={`${styles.code} ${styles[max]}`} tabIndex={0} role="group" aria-label={label}>
        {inert(shown)}
      </pre>
      <div className={styles.lever}>
        <CopyButton text={text} label={`Copy ${label}`} isIcon />
      </div>
    </div>
  );
}

/** Any JSON value. Texts alone are shown as they are, so that line breaks read as such. */
export function JsonCode({ value, label, max = 'tall' }: { value: unknown; label: string; max?: 'short' | 'tall' }): ReactNode {
  return <Code text={typeof value === 'string' ? value : compactJson(value)} label={label} max={max} />;
}
