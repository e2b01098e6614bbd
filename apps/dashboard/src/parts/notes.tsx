import { ApiError, ConnectionError } from '@signalbox/sdk/client/api-error.js';
import { CircleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Command } from './copy.tsx';
import styles from './notes.module.css';

/** Nothing is here yet: what this is, and the one command or button that fills it. */
export function Empty({
  title,
  children,
  command,
  action,
}: {
  title: string;
  children?: ReactNode;
  command?: string;
  action?: ReactNode;
}): ReactNode {
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children !== undefined && <p className={styles.emptyText}>{children}</p>}
      {command !== undefined && <Command text={command} />}
      {action}
    </div>
  );
}

/** What happened and what to do, in the words of who refused. */
export function problemOf(error: unknown): { title: string; next: string | null; canRetry: boolean } {
  if (error instanceof ConnectionError) {
    return {
      title: 'Signalbox does not answer.',
      next: 'See that it is running (npm start). This page tries again by itself.',
      canRetry: true,
    };
  }
  if (error instanceof ApiError) {
    const detail = error.problem.detail ?? error.message;
    const title = /[.!?]$/.test(detail) ? detail : `${detail}.`;
    return {
      title: title.charAt(0).toUpperCase() + title.slice(1),
      next: error.next ?? null,
      canRetry: error.status >= 500 || error.status === 429,
    };
  }
  return { title: error instanceof Error ? error.message : String(error), next: null, canRetry: true };
}

/** A refusal or a failure, where the content would be. */
export function ProblemNote({ error, retry, title }: { error: unknown; retry?: (() => void) | undefined; title?: string }): ReactNode {
  const problem = problemOf(error);
  const all = error instanceof ApiError ? error.errors : [];
  // A single fault is what the sentence already says.
  const faults = all.length === 1 && problem.title.includes(all[0]?.detail ?? '') ? [] : all;
  return (
    <div className={styles.problem} role="alert">
      <CircleAlert size={18} aria-hidden />
      <div>
        {title !== undefined && <p className={styles.problemTitle}>{title}</p>}
        <p>{problem.title}</p>
        {faults.length > 0 && (
          <ul className={styles.faults}>
            {faults.map(({ pointer, detail }) => (
              <li key={`${pointer} ${detail}`}>
                <code>{pointer || '/'}</code> {detail}
              </li>
            ))}
          </ul>
        )}
        {problem.next && <p className={styles.next}>{problem.next}</p>}
      </div>
      {retry && problem.canRetry && (
        <Button small onPress={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A quiet box that explains: why something waits, what a lever disturbs. */
export function Note({ tone = 'caution', children }: { tone?: 'caution' | 'stop' | 'dark' | 'clear'; children: ReactNode }): ReactNode {
  return <div className={`${styles.note} ${styles[tone]}`}>{children}</div>;
}
