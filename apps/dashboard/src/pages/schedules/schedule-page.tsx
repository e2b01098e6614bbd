import type { Preview, ScheduleDetail } from '@signalbox/sdk/client/schedules.js';
import { useQuery } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { overlaps, rhythmText, stateLamp } from '../../model/schedules.ts';
import { inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty, Note } from '../../parts/notes.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { FiringsTable } from './firings-table.tsx';
import { Delete, PauseOrResume, RunNow } from './levers.tsx';
import { NextTimes } from './next-times.tsx';
import { ScheduleForm } from './schedule-form.tsx';

const Manifest = lazy(() => import('../../parts/manifest.tsx'));

/** One schedule: when it comes next, what it did, how it was applied. */
export default function SchedulePage(): ReactNode {
  const { name = '' } = useParams();
  const schedule = useQuery(queries.schedule(name));
  const firings = useQuery(queries.scheduleFirings(name));
  const mayApply = useMay('schedules:write');
  const mayWrite = useMay('runs:write') && mayApply;
  const [isEditing, setEditing] = useState(false);
  const { data } = schedule;
  return (
    <Page
      title={name}
      parent={{ label: 'Schedules', to: '/schedules' }}
      sentence={data && <Sentence schedule={data} />}
      actions={
        data && (
          <>
            <RunNow name={name} workflow={data.workflow} />
            <PauseOrResume kind="schedules" name={name} state={data.state} />
            {mayWrite && (
              <Button onPress={() => setEditing(true)}>
                <Pencil size={15} aria-hidden />
                Edit
              </Button>
            )}
            <Delete kind="schedules" name={name} />
          </>
        )
      }
    >
      <Loaded query={schedule} rows={8}>
        {(found) => (
          <Beside
            aside={
              <>
                <Panel title="Next times">
                  {found.state === 'active' ? <NextTimes rhythm={rhythmOf(found)} /> : <p className="quiet">{noneBecause(found)}</p>}
                </Panel>
                <Panel title="How">
                  <KeyValues
                    rows={[
                      [
                        'Workflow',
                        <Link key="w" to={`/workflows/${encodeURIComponent(found.workflow)}`}>
                          {found.workflow}
                        </Link>,
                      ],
                      ['When', rhythmText(found)],
                      ['Zone', found.timeZone],
                      ['While a run lives', overlaps.find(({ policy }) => policy === found.overlap)?.about],
                      ['Rights of', found.appliedBy],
                    ]}
                  />
                </Panel>
              </>
            }
          >
            {found.last?.outcome === 'failed' && <Note tone="stop">The last time started nothing: {found.last.reason}</Note>}
            <Panel title="History" note="the last 500" flush>
              <Loaded query={firings}>
                {(rows) => (
                  <FiringsTable
                    firings={rows}
                    empty={<Empty title="Nothing yet.">What it starts, skips and fails to start stands here, with the reason.</Empty>}
                  />
                )}
              </Loaded>
            </Panel>
            <Panel title="Definition">
              <Suspense fallback={<Placeholder />}>
                <Manifest value={found.manifest} name={name} />
              </Suspense>
            </Panel>
          </Beside>
        )}
      </Loaded>
      {isEditing && data && <ScheduleForm known={data} onClose={() => setEditing(false)} />}
    </Page>
  );
}

function Sentence({ schedule }: { schedule: ScheduleDetail }): ReactNode {
  const { description, state, nextTime, pausedBy, pausedReason } = schedule;
  return (
    <>
      {description && <div>{inert(description)}</div>}
      <Facts>
        {[
          <LampWord key="state" lamp={stateLamp(state)} />,
          nextTime && (
            <span key="next">
              next <Moment at={nextTime} />
            </span>
          ),
          state === 'paused' && `by ${pausedBy ?? ''}${pausedReason ? `: ${inert(pausedReason)}` : ''}`,
        ]}
      </Facts>
    </>
  );
}

function noneBecause({ state }: ScheduleDetail): string {
  return state === 'paused' ? 'None while it is paused.' : 'No time comes any more.';
}

function rhythmOf({ manifest: { spec } }: ScheduleDetail): Preview {
  const { cron, every, timeZone, start, end } = spec;
  return {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every: typeof every === 'number' ? `${every}ms` : every }),
    ...(timeZone !== undefined && { timeZone }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
}
