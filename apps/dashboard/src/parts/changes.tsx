import type { ReactNode } from 'react';
import { inert } from '../model/text.ts';
import styles from './changes.module.css';

/** Where two manifests differ, with what stands on each side. */
export function Changes({
  label,
  changes,
}: {
  label: string;
  changes: readonly { path: string; from?: unknown; to?: unknown }[];
}): ReactNode {
  return (
    <dl className={styles.changes} tabIndex={0} aria-label={label}>
      {changes.map(({ path, from, to }) => (
        <div key={path}>
          <dt>
            <code>{inert(path)}</code>
          </dt>
          {from !== undefined && <dd className={styles.removed}>− {inert(JSON.stringify(from))}</dd>}
          {to !== undefined && <dd className={styles.added}>+ {inert(JSON.stringify(to))}</dd>}
        </div>
      ))}
    </dl>
  );
}
