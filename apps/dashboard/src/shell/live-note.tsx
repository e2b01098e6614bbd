import type { ReactNode } from 'react';
import { useLive } from '../api/live.tsx';
import { lampOf } from '../model/lamps.ts';
import { formatWholeSpan } from '../model/time.ts';
import { Button } from '../parts/button.tsx';
import { useNow } from '../parts/clock.ts';
import { LampSign } from '../parts/lamp.tsx';
import styles from './live-note.module.css';

/** Says when news do not arrive; while they do, nothing is said. */
export function LiveNote(): ReactNode {
  const { state } = useLive();
  return (
    <div className={styles.place} role="status">
      {state.kind === 'stale' && <Stale since={state.since} />}
    </div>
  );
}

function Stale({ since }: { since: number }): ReactNode {
  const { retryNow } = useLive();
  useNow();
  return (
    <span className={styles.stale}>
      <LampSign lamp={lampOf('degraded')} />
      <span>
        <span aria-hidden="true">No news for {formatWholeSpan(Date.now() - since)}, trying again.</span>
        <span className="visually-hidden">No news, trying again. What is shown may be old.</span>
      </span>
      <Button small onPress={retryNow}>
        Try now
      </Button>
    </span>
  );
}
