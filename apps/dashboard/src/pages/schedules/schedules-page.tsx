import type { Schedule } from '@signalbox/sdk/client/schedules.js';
import type { Trigger } from '@signalbox/sdk/client/triggers.js';
import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { firingLamp, formatInZone, onText, ownZone, rhythmText, stateLamp } from '../../model/schedules.ts';
import { counted } from '../../model/text.ts';
import { useFilter } from '../../routing/filter.ts';
import { Button } from '../../parts/button.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import { useMay } from '../../shell/who.ts';
import { PauseOrResume, RunNow } from './levers.tsx';
import { ScheduleForm } from './schedule-form.tsx';
import { TriggerForm } from './trigger-form.tsx';
import styles from './schedules.module.css';

/** What starts runs by itself: at given times, and when something happens. */
export default function SchedulesPage(): ReactNode {
  const schedules = useQuery(queries.schedules());
  const triggers = useQuery(queries.triggers());
  const { q, setQ } = useFilter();
  const mayApply = useMay('schedules:write');
  const mayRun = useMay('runs:write');
  const mayWrite = mayRun && mayApply;
  const [isCreating, setCreating] = useState(false);
  const tabs = [
    { id: 'schedules', label: 'Schedules', count: schedules.data?.length },
    { id: 'triggers', label: 'Triggers', count: triggers.data?.length },
  ];
  const tab = useTab(tabs);
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const isWanted = ({ name, workflow, description }: Schedule | Trigger): boolean =>
    words.every((word) => `${name} ${workflow} ${description ?? ''}`.toLowerCase().includes(word));
  const create = mayWrite && (
    <Button kind="primary" onPress={() => setCreating(true)}>
      <Plus size={15} aria-hidden />
      {tab === 'schedules' ? 'Create schedule' : 'Create trigger'}
    </Button>
  );
  return (
    <Page
      title="Schedules"
      sentence={schedules.data && triggers.data && sentenceOf(schedules.data, triggers.data)}
      actions={create}
      tabs={<Tabs tabs={tabs} label="What starts runs" />}
    >
      <SearchField value={q} onChange={setQ} label="Search" placeholder="Name, workflow or description" />
      <Panel flush>
        {tab === 'schedules' ? (
          <Loaded query={schedules} rows={5}>
            {(data) => (
              <DataTable
                label="Schedules"
                columns={mayRun || mayApply ? scheduleColumns : scheduleColumns.filter(({ id }) => id !== 'levers')}
                rows={data.filter(isWanted)}
                keyOf={({ name }) => name}
                hrefOf={({ name }) => `/schedules/${encodeURIComponent(name)}`}
                empty={
                  data.length > 0 ? (
                    <Empty title="No schedule has these words." />
                  ) : (
                    <Empty title="No schedules yet." command="npx signalbox apply -f schedule.yaml" action={create}>
                      A schedule starts a workflow at given times: every night, each Monday at nine in Berlin, every 15 minutes.
                    </Empty>
                  )
                }
              />
            )}
          </Loaded>
        ) : (
          <Loaded query={triggers} rows={5}>
            {(data) => <TriggersTable rows={data.filter(isWanted)} isFiltered={data.length > 0} create={create} />}
          </Loaded>
        )}
      </Panel>
      {isCreating && tab === 'schedules' && <ScheduleForm known={null} onClose={() => setCreating(false)} />}
      {isCreating && tab === 'triggers' && <TriggerForm known={null} onClose={() => setCreating(false)} />}
    </Page>
  );
}

function sentenceOf(schedules: readonly Schedule[], triggers: readonly Trigger[]): string {
  if (schedules.length === 0 && triggers.length === 0) return 'Nothing starts runs by itself.';
  const on = schedules.filter(({ state }) => state === 'active').length;
  const failed = [...schedules, ...triggers].filter(({ last }) => last?.outcome === 'failed').length;
  return `${counted(schedules.length, 'schedule')}, ${on} on; ${counted(triggers.length, 'trigger')}.${
    failed === 0 ? '' : ` ${counted(failed, 'has', 'have')} failed to start the last run.`
  }`;
}

const scheduleColumns: readonly Column<Schedule>[] = [
  { id: 'name', header: 'Schedule', width: 'minmax(150px, 1.1fr)', place: 'title', sortBy: ({ name }) => name, cell: ({ name }) => name },
  {
    id: 'workflow',
    header: 'Workflow',
    width: 'minmax(120px, 0.9fr)',
    sortBy: ({ workflow }) => workflow,
    cell: ({ workflow }) => <Link to={`/workflows/${encodeURIComponent(workflow)}`}>{workflow}</Link>,
  },
  {
    id: 'when',
    header: 'When',
    width: 'minmax(128px, 1fr)',
    cell: (schedule) => (
      <span>
        <span className={styles.rule}>{rhythmText(schedule)}</span>{' '}
        {schedule.cron !== null && <span className="quiet">{schedule.timeZone}</span>}
      </span>
    ),
  },
  {
    id: 'next',
    header: 'Next',
    width: 'minmax(184px, 1.2fr)',
    sortBy: ({ nextTime }) => (nextTime === null ? null : Date.parse(nextTime)),
    cell: ({ nextTime, timeZone, state, pausedReason }) =>
      nextTime === null ? (
        <span title={pausedReason ?? undefined}>
          <LampWord lamp={stateLamp(state)} />
        </span>
      ) : (
        <span title={`${formatInZone(nextTime, timeZone)} ${timeZone}`}>
          <Moment at={nextTime} /> <span className="quiet">{formatInZone(nextTime, ownZone)}</span>
        </span>
      ),
  },
  { id: 'last', header: 'Last', width: '116px', place: 'corner', cell: ({ last }) => last && <LampWord lamp={firingLamp(last)} /> },
  {
    id: 'levers',
    header: 'Action',
    width: '200px',
    align: 'end',
    cell: ({ name, workflow, state }) => (
      <span className={styles.levers}>
        <RunNow small name={name} workflow={workflow} />
        <PauseOrResume small kind="schedules" name={name} state={state} />
      </span>
    ),
  },
];

const triggerColumns: readonly Column<Trigger>[] = [
  { id: 'name', header: 'Trigger', width: 'minmax(150px, 1fr)', place: 'title', sortBy: ({ name }) => name, cell: ({ name }) => name },
  {
    id: 'workflow',
    header: 'Workflow',
    width: 'minmax(120px, 0.9fr)',
    sortBy: ({ workflow }) => workflow,
    cell: ({ workflow }) => <Link to={`/workflows/${encodeURIComponent(workflow)}`}>{workflow}</Link>,
  },
  { id: 'on', header: 'Starts on', width: 'minmax(180px, 1.4fr)', cell: (trigger) => onText(trigger) },
  { id: 'heard', header: 'Last heard', width: '104px', cell: ({ last }) => <Moment at={last?.time} /> },
  { id: 'last', header: 'Last', width: '118px', cell: ({ last }) => last && <LampWord lamp={firingLamp(last)} /> },
  { id: 'state', header: 'State', width: '98px', place: 'corner', cell: ({ state }) => <LampWord lamp={stateLamp(state)} /> },
  {
    id: 'levers',
    header: 'Action',
    width: '110px',
    align: 'end',
    cell: ({ name, state }) => <PauseOrResume small kind="triggers" name={name} state={state} />,
  },
];

function TriggersTable({ rows, isFiltered, create }: { rows: readonly Trigger[]; isFiltered: boolean; create: ReactNode }): ReactNode {
  const mayApply = useMay('schedules:write');
  return (
    <DataTable
      label="Triggers"
      columns={mayApply ? triggerColumns : triggerColumns.filter(({ id }) => id !== 'levers')}
      rows={rows}
      keyOf={({ name }) => name}
      hrefOf={({ name }) => `/triggers/${encodeURIComponent(name)}`}
      empty={
        isFiltered ? (
          <Empty title="No trigger has these words." />
        ) : (
          <Empty title="No triggers yet." command="npx signalbox apply -f trigger.yaml" action={create}>
            A trigger starts a workflow when something happens: somebody outside calls its hook, signed, a run of another workflow ends, or
            a deployment changes.
          </Empty>
        )
      }
    />
  );
}
