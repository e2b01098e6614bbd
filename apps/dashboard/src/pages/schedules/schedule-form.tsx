import type { Preview, ScheduleDetail } from '@signalbox/sdk/client/schedules.js';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { compactJson } from '../../model/json.ts';
import { overlaps, ownZone, specOf, type ScheduleDraft } from '../../model/schedules.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import form from '../../parts/form.module.css';
import { NextTimes } from './next-times.tsx';
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
  // What was changed by somebody else since, or has the name already, is not overwritten.
  const [expectedVersion] = useState(known?.version ?? 0);
  const workflows = useQuery(queries.workflows()).data ?? [];
  const cache = useQueryClient();
  const navigate = useNavigate();
  const tell = useTell();
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
  const apply = useMutation({
    mutationFn: () => {
      if ('fault' in made) throw new Error(made.fault);
      const { description: _, ...metadata } = known?.manifest.metadata ?? {};
      const description = draft.description.trim();
      return client.schedules.apply(
        {
          apiVersion: 'signalbox.dev/v1',
          kind: 'Schedule',
          metadata: { ...metadata, name: draft.name.trim(), ...(description !== '' && { description }) },
          spec: made.spec,
        },
        {},
        { expectedVersion },
      );
    },
    onSuccess: async ({ resource }) => {
      await Promise.all([
        cache.invalidateQueries({ queryKey: ['schedules'] }),
        cache.invalidateQueries({ queryKey: ['schedule', resource.name] }),
      ]);
      onClose();
      tell(known ? `${resource.name} is changed.` : `${resource.name} is there.`);
      if (!known) await navigate(`/schedules/${encodeURIComponent(resource.name)}`);
    },
  });
  return (
    <Dialogue title={known ? `Edit ${known.name}` : 'Create a schedule'} isOpen onClose={onClose} wide>
      <form
        className={form.form}
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !apply.isPending) apply.mutate();
        }}
      >
        <div className={styles.pair}>
          {!known && (
            <label className={form.field}>
              <span>Name</span>
              <input
                autoFocus
                value={draft.name}
                onChange={(event) => set('name', event.target.value)}
                placeholder="nightly-report"
                maxLength={63}
              />
            </label>
          )}
          <label className={form.field}>
            <span>Starts the workflow</span>
            <select value={draft.workflow} onChange={(event) => set('workflow', event.target.value)}>
              <option value="">Choose one</option>
              {workflows.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
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
        <label className={form.field}>
          <span>
            Input <span className="quiet">{'(JSON; ${{ schedule.time }} is the time it is due)'}</span>
          </span>
          <textarea
            className={styles.input}
            rows={3}
            value={draft.input}
            onChange={(event) => set('input', event.target.value)}
            placeholder="{}"
            spellCheck={false}
            {...('fault' in made && { 'aria-invalid': true })}
          />
          {'fault' in made && (
            <span className={form.fault} role="alert">
              {made.fault}
            </span>
          )}
        </label>
        <label className={form.field}>
          <span>
            What it is for <span className="quiet">(may be empty)</span>
          </span>
          <input value={draft.description} onChange={(event) => set('description', event.target.value)} maxLength={500} />
        </label>
        {apply.error && <ProblemNote error={apply.error} />}
        <p className="quiet">Its runs have your rights, as long as you have them.</p>
        <div className={form.levers}>
          <Button onPress={onClose}>Not now</Button>
          <Button kind="primary" type="submit" isPending={apply.isPending} isDisabled={!isReady}>
            {known ? 'Save schedule' : 'Create schedule'}
          </Button>
        </div>
      </form>
    </Dialogue>
  );
}
