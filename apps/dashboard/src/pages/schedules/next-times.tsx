import { ApiError } from '@signalbox/sdk/client/api-error.js';
import type { Preview } from '@signalbox/sdk/client/schedules.js';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { formatInZone, ownZone } from '../../model/schedules.ts';
import { Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { problemOf } from '../../parts/notes.tsx';
import form from '../../parts/form.module.css';
import styles from './schedules.module.css';

/** Typing settles for this long before it is asked what comes of it. */
const settleMs = 250;

/** The next five times of a rhythm, in its own zone and in that of who looks. */
export function NextTimes({ rhythm }: { rhythm: Preview }): ReactNode {
  const settled = useSettled(JSON.stringify(rhythm));
  const preview = useQuery({ ...queries.schedulePreview(JSON.parse(settled) as Preview), placeholderData: keepPreviousData });
  const zone = rhythm.timeZone ?? 'UTC';
  if (preview.error) {
    return (
      <p className={form.fault} role="alert">
        {faultOf(preview.error)}
      </p>
    );
  }
  if (!preview.data) return <Placeholder rows={5} />;
  if (preview.data.times.length === 0) return <p className="quiet">No time comes any more.</p>;
  return (
    <ol className={styles.times} aria-label="Next times">
      {preview.data.times.map((time) => (
        <li key={time}>
          <span>
            {formatInZone(time, ownZone)} {zone !== ownZone && <span className="quiet">{ownZone}</span>}
          </span>
          <span className="quiet">
            <Moment at={time} />
          </span>
          {zone !== ownZone && (
            <span className="quiet">
              {formatInZone(time, zone)} {zone}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** Which field is wrong, and why. */
function faultOf(error: unknown): string {
  const faults = error instanceof ApiError ? error.errors : [];
  return faults.length === 0 ? problemOf(error).title : faults.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`).join('; ');
}

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
