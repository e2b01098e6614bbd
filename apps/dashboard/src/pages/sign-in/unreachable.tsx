import { useEffect, type ReactNode } from 'react';
import { ProblemNote } from '../../parts/notes.tsx';
import { Mark } from '../../shell/mark.tsx';
import styles from './sign-in.module.css';

/** Tries by itself this often. */
const againMs = 3_000;

/** Nothing can be shown yet: the gateway, or what it needs to know who asks, does not answer. */
export function Unreachable({ error, retry }: { error: unknown; retry: () => void }): ReactNode {
  useEffect(() => {
    const timer = setInterval(retry, againMs);
    return () => clearInterval(timer);
  }, [retry]);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <Mark size={30} />
          <h1>Signalbox</h1>
        </div>
        <ProblemNote error={error} retry={retry} />
      </div>
    </main>
  );
}
