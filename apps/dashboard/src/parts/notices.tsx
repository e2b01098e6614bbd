import { createContext, use, useCallback, useMemo, useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import styles from './notices.module.css';

interface Notice {
  id: number;
  text: ReactNode;
  /** What takes it back, and what that is called. */
  undo?: { label: string; run: () => void };
}

type Tell = (text: ReactNode, undo?: Notice['undo']) => void;

const NoticesContext = createContext<Tell>(() => undefined);

/** A notice stands this long; what it can undo can be undone as long. */
const standsMs = 10_000;

/** Tells what was done. */
export function useTell(): Tell {
  return use(NoticesContext);
}

export function NoticesProvider({ children }: { children: ReactNode }): ReactNode {
  const [notices, setNotices] = useState<Notice[]>([]);
  const drop = useCallback((id: number) => setNotices((all) => all.filter((notice) => notice.id !== id)), []);
  const tell = useCallback<Tell>(
    (text, undo) => {
      const id = Date.now() + Math.random();
      // More than three at once nobody reads.
      setNotices((all) => [...all.slice(-2), { id, text, ...(undo && { undo }) }]);
      setTimeout(() => drop(id), standsMs);
    },
    [drop],
  );
  const value = useMemo(() => tell, [tell]);
  return (
    <NoticesContext value={value}>
      {children}
      <div className={styles.notices} role="status">
        {notices.map(({ id, text, undo }) => (
          <div key={id} className={styles.notice}>
            <span>{text}</span>
            {undo && (
              <Button
                small
                onPress={() => {
                  undo.run();
                  drop(id);
                }}
              >
                {undo.label}
              </Button>
            )}
            <Button kind="quiet" small onPress={() => drop(id)}>
              Close
            </Button>
          </div>
        ))}
      </div>
    </NoticesContext>
  );
}
