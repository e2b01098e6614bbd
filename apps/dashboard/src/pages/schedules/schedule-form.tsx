import type { Preview, ScheduleDetail } from '@signalbox/sdk/client/schedules.js';
import { useId, useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { compactJson } from '../../model/json.ts';
import { overlaps, ownZone, specOf, type ScheduleDraft } from '../../model/schedules.ts';
import form from '../../parts/form.module.css';
import { NextTimes } from './next-times.tsx';
import { DescriptionField, InputField, NameField, StartForm, WorkflowChoice } from './start-form.tsx';
import styles from './schedules.module.css';

const zones = Intl.supportedValuesOf('timeZone');

function draftOf(known: ScheduleDetail | null): ScheduleDraft {
  const { description = '' } = known?.manifest.metadata ?? {};
  const spec = known?.manifest.spec;
  const every = spec?.every;
  return {
    name: known?.name ?? '',
    description,
    workflow: spec?.workflow ?? '',
    kind: every === undefined ? 'cron' : 'every',
    cron: spec?.cron ?? '0 7 * * 1-5',
    every: every === undefined ? '15m' : String(every),
    timeZone: spec ? (spec.timeZone ?? 'UTC') : ownZone,
    overlap: spec?.overlap ?? 'skip',
    input: spec?.input === undefined ? '' : compactJson(spec.input),
  };
}

/** Makes a schedule, or changes `known`: what the form does not show stays as it was applied. */
export function ScheduleForm({ known, onClose }: { known: ScheduleDetail | null; onClose: () => void }): ReactNode {
  const [draft, setDraft] = useState(() => draftOf(known));
  const zoneList = useId();
  const set = <K extends keyof ScheduleDraft>(field: K, value: ScheduleDraft[K]): void => setDraft((old) => ({ ...old, [field]: value }));
  const made = specOf(draft, known?.manifest.spec);
  const { cron, every, timeZone, start, end } = 'spec' in made ? made.spec : {};
  const rhythm: Preview = {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every: String(every) }),
    ...(timeZone !== undefined && { timeZone }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
  const isReady = 'spec' in made && draft.name.trim() !== '' && draft.workflow !== '';
  return (
    <StartForm
      kind="Schedule"
      known={known}
      draft={draft}
      made={made}
      isReady={isReady}
      apply={(manifest, expectedVersion) => client.schedules.apply(manifest, {}, { expectedVersion })}
      onClose={onClose}
    >
      <div className={styles.pair}>
        {!known && <NameField value={draft.name} onChange={(name) => set('name', name)} placeholder="nightly-report" />}
        <WorkflowChoice label="Starts the workflow" value={draft.workflow} onChange={(name) => set('workflow', name)} />
      </div>
      <div className={styles.pair}>
        <label className={form.field}>
          <span>When</span>
          <select value={draft.kind} onChange={(event) => set('kind', event.target.value as ScheduleDraft['kind'])}>
            <option value="cron">At times of a calendar (cron)</option>
            <option value="every">Again and again after a span</option>
          </select>
        </label>
        {draft.kind === 'cron' ? (
          <label className={form.field}>
            <span>
              Cron <span className="quiet">(minute hour day month weekday)</span>
            </span>
            <input
              className={styles.rule}
              value={draft.cron}
              onChange={(event) => set('cron', event.target.value)}
              maxLength={200}
              spellCheck={false}
            />
          </label>
        ) : (
          <label className={form.field}>
            <span>
              Every <span className="quiet">(30s, 15m, 6h, 1d)</span>
            </span>
            <input
              className={styles.rule}
              value={draft.every}
              onChange={(event) => set('every', event.target.value)}
              maxLength={20}
              spellCheck={false}
            />
          </label>
        )}
      </div>
      <div className={styles.pair}>
        <label className={form.field}>
          <span>Time zone</span>
          <input
            list={zoneList}
            value={draft.timeZone}
            onChange={(event) => set('timeZone', event.target.value)}
            maxLength={64}
            spellCheck={false}
          />
        </label>
        <datalist id={zoneList}>
          {zones.map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        <label className={form.field}>
          <span>While its run has not ended</span>
          <select value={draft.overlap} onChange={(event) => set('overlap', event.target.value as ScheduleDraft['overlap'])}>
            {overlaps.map(({ policy, about }) => (
              <option key={policy} value={policy}>
                {about}
              </option>
            ))}
          </select>
        </label>
      </div>
      <section className={styles.preview}>
        <h3>Next five times</h3>
        <NextTimes rhythm={rhythm} />
      </section>
      <InputField
        value={draft.input}
        onChange={(input) => set('input', input)}
        about="${{ schedule.time }} is the time it is due"
        made={made}
      />
      <DescriptionField value={draft.description} onChange={(text) => set('description', text)} max={500} />
    </StartForm>
  );
}
