import type { Firing } from '../../client/schedules.ts';
import type { Column } from '../text/table.ts';
import { state } from './lamps.ts';
import { ago } from '../text/figures.ts';

/** The columns of a history. */
export function firingColumns(now: number): Column<Firing>[] {
  return [
    { title: 'TIME', cell: ({ time }) => time.replace('.000Z', 'Z') },
    { title: 'OUTCOME', cell: ({ outcome }) => state(outcome) },
    { title: 'RUN', cell: ({ run }) => run ?? '' },
    { title: 'STATUS', cell: ({ runStatus }) => (runStatus === null ? '' : state(runStatus)) },
    { title: 'DEALT WITH', cell: ({ at }) => ago(at, now), align: 'right' },
    { title: 'REASON', cell: ({ reason, until }) => [until && `until ${until}`, reason].filter(Boolean).join(': '), isFlexible: true },
  ];
}

/** What became of the newest, in two words. */
export function lastWord(last: Firing | null): string {
  return last === null ? '' : (last.runStatus ?? last.outcome);
}
