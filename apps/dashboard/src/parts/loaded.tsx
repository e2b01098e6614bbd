import type { ReactNode } from 'react';
import { ProblemNote } from './notes.tsx';
import styles from './loaded.module.css';

interface Query<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/**
 * Shows a query's data; before it is there, a placeholder of the same size, so that nothing jumps; a failure only where there is nothing to
 * show: old data stay, and the head of the page says that they are old.
 */
export function Loaded<T>({ query, rows = 4, children }: { query: Query<T>; rows?: number; children: (data: T) => ReactNode }): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.isPending) return <Placeholder rows={rows} />;
  return (
    <div className={styles.around}>
      <ProblemNote error={query.error} retry={() => void query.refetch()} />
    </div>
  );
}

/** Rows that stand where content will. Shows after a moment only: what is quick does not flicker. */
export function Placeholder({ rows = 4 }: { rows?: number }): ReactNode {
  return (
    <div className={styles.placeholder} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <span key={i} className={styles.row} />
      ))}
    </div>
  );
}
