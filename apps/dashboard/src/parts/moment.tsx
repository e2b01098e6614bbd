import type { ReactNode } from 'react';
import { formatExact, formatRelative } from '../model/time.ts';
import { useNow } from './clock.ts';

/** A moment, relative; the exact one is its title. `absent` is said where there is none. */
export function Moment({ at, absent = 'never' }: { at: string | null | undefined; absent?: string }): ReactNode {
  const now = useNow();
  if (!at) return <span className="faint">{absent}</span>;
  return (
    <time dateTime={at} title={formatExact(at)}>
      {formatRelative(at, now)}
    </time>
  );
}
