import { useId, type ReactNode } from 'react';
import styles from './panel.module.css';

interface PanelProps {
  title?: ReactNode;
  /** Said quietly at the right of the title. */
  note?: ReactNode;
  /** Stands at the right of the title; for levers. */
  actions?: ReactNode;
  /** The content keeps its own distance from the edges: tables and lists reach them. */
  flush?: boolean;
  children: ReactNode;
  className?: string | undefined;
}

/** A framed part of a page, with a heading that names it. */
export function Panel({ title, note, actions, flush = false, children, className }: PanelProps): ReactNode {
  const id = useId();
  return (
    <section className={[styles.panel, className].filter(Boolean).join(' ')} {...(title !== undefined && { 'aria-labelledby': id })}>
      {title !== undefined && (
        <header className={styles.head}>
          <h2 id={id}>{title}</h2>
          {note !== undefined && <span className={styles.note}>{note}</span>}
          {actions !== undefined && <div className={styles.actions}>{actions}</div>}
        </header>
      )}
      <div className={flush ? undefined : styles.body}>{children}</div>
    </section>
  );
}

/** A part of a panel below a line, with its own small heading. */
export function PanelPart({ title, note, children }: { title?: ReactNode; note?: ReactNode; children: ReactNode }): ReactNode {
  return (
    <div className={styles.part}>
      {title !== undefined && (
        <div className={styles.partHead}>
          <h3>{title}</h3>
          {note !== undefined && <span className={styles.note}>{note}</span>}
        </div>
      )}
      {children}
    </div>
  );
}
