import type { TriggerDetail } from '@signalbox/sdk/client/triggers.js';
import { useQuery } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { compactJson } from '../../model/json.ts';
import { lampOf } from '../../model/lamps.ts';
import { endStatuses, heard, heardEvents, isComplete, triggerSpecOf, type TriggerDraft } from '../../model/triggers.ts';
import { useMay } from '../../shell/who.ts';
import form from '../../parts/form.module.css';
import { DescriptionField, InputField, NameField, StartForm, WorkflowChoice } from './start-form.tsx';
import styles from './schedules.module.css';

function draftOf(known: TriggerDetail | null): TriggerDraft {
  const spec = known?.manifest.spec;
  const { webhook, runEnded, event } = spec?.on ?? {};
  return {
    name: known?.name ?? '',
    description: known?.manifest.metadata.description ?? '',
    workflow: spec?.workflow ?? '',
    kind: known?.kind ?? 'webhook',
    secret: webhook?.secret.replace(/^secret:\/\//, '') ?? '',
    signature: webhook?.signature ?? 'signalbox',
    watched: runEnded?.workflow ?? '',
    statuses: runEnded?.status ?? [],
    event: event?.type ?? 'deployment.changed',
    condition: spec?.if ?? '',
    input: spec?.input === undefined ? '' : compactJson(spec.input),
  };
}

interface Part {
  draft: TriggerDraft;
  set: <K extends keyof TriggerDraft>(field: K, value: TriggerDraft[K]) => void;
}

/** Makes a trigger, or changes `known`: what the form does not show stays as it was applied. */
export function TriggerForm({ known, onClose }: { known: TriggerDetail | null; onClose: () => void }): ReactNode {
  const [draft, setDraft] = useState(() => draftOf(known));
  const set: Part['set'] = (field, value) => setDraft((old) => ({ ...old, [field]: value }));
  const made = triggerSpecOf(draft, known?.manifest.spec);
  const isReady = 'spec' in made && isComplete(draft);
  return (
    <StartForm
      kind="Trigger"
      known={known}
      draft={draft}
      made={made}
      isReady={isReady}
      apply={(manifest, expectedVersion) => client.triggers.apply(manifest, {}, { expectedVersion })}
      onClose={onClose}
    >
      <div className={styles.pair}>
        {!known && <NameField value={draft.name} onChange={(name) => set('name', name)} placeholder="on-push" />}
        <WorkflowChoice label="Starts the workflow" value={draft.workflow} onChange={(name) => set('workflow', name)} />
      </div>
      <label className={form.field}>
        <span>When</span>
        <select value={draft.kind} onChange={(event) => set('kind', event.target.value as TriggerDraft['kind'])}>
          {heard.map(({ kind, about }) => (
            <option key={kind} value={kind}>
              {about}
            </option>
          ))}
        </select>
      </label>
      {draft.kind === 'webhook' && <HookFields draft={draft} set={set} />}
      {draft.kind === 'runEnded' && <EndFields draft={draft} set={set} />}
      {draft.kind === 'event' && (
        <label className={form.field}>
          <span>What changes</span>
          <select value={draft.event} onChange={(event) => set('event', event.target.value as TriggerDraft['event'])}>
            {Object.entries(heardEvents).map(([type, about]) => (
              <option key={type} value={type}>
                {about}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className={form.field}>
        <span>
          Only if <span className="quiet">(an expression over event; empty: always)</span>
        </span>
        <input
          className={styles.rule}
          value={draft.condition}
          onChange={(event) => set('condition', event.target.value)}
          placeholder={examples[draft.kind].condition}
          maxLength={4096}
          spellCheck={false}
        />
      </label>
      <InputField value={draft.input} onChange={(input) => set('input', input)} about={examples[draft.kind].input} made={made} />
      <DescriptionField value={draft.description} onChange={(text) => set('description', text)} max={4096} />
      {known?.kind === 'webhook' && draft.kind !== 'webhook' && <p>Calls of its hook are refused from then on.</p>}
    </StartForm>
  );
}

/** What is known of the event, to begin from. */
const examples: Record<TriggerDraft['kind'], { condition: string; input: string }> = {
  webhook: { condition: "event.body.ref == 'refs/heads/main'", input: '${{ event.body }} is what was sent' },
  runEnded: { condition: 'event.run.output.count > 0', input: '${{ event.run.output }} is what it gave' },
  event: { condition: "event.data.status == 'failed'", input: '${{ event.data.name }} is what changed' },
};

function HookFields({ draft, set }: Part): ReactNode {
  const maySeeSecrets = useMay('secrets:read');
  const secrets = useQuery({ ...queries.secrets(), enabled: maySeeSecrets }).data;
  const list = useId();
  return (
    <div className={styles.hook}>
      <div className={styles.pair}>
        <label className={form.field}>
          <span>
            Secret <span className="quiet">(its name)</span>
          </span>
          <input
            list={list}
            value={draft.secret}
            onChange={(event) => set('secret', event.target.value)}
            placeholder="forge-hook"
            maxLength={63}
            spellCheck={false}
          />
        </label>
        <datalist id={list}>
          {secrets?.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label className={form.field}>
          <span>Signed as</span>
          <select value={draft.signature} onChange={(event) => set('signature', event.target.value as TriggerDraft['signature'])}>
            <option value="signalbox">Signalbox (time and body)</option>
            <option value="github">GitHub and the like (body)</option>
          </select>
        </label>
      </div>
      <p className="quiet">
        {secrets && draft.secret.trim() !== '' && !secrets.some(({ name }) => name === draft.secret.trim()) ? (
          <>
            There is no secret of this name yet: set it on the page <Link to="/secrets">Secrets</Link>, or no call is let in.
          </>
        ) : (
          'Who calls signs with it; the address of the hook is shown when the trigger is there.'
        )}
      </p>
    </div>
  );
}

function EndFields({ draft, set }: Part): ReactNode {
  return (
    <div className={styles.pair}>
      <WorkflowChoice label="Whose run ends" value={draft.watched} onChange={(name) => set('watched', name)} />
      <fieldset className={styles.ends}>
        <legend>
          How <span className="quiet">(none: however it ends)</span>
        </legend>
        {endStatuses.map((status) => (
          <label key={status}>
            <input
              type="checkbox"
              checked={draft.statuses.includes(status)}
              onChange={({ target }) =>
                set('statuses', target.checked ? [...draft.statuses, status] : draft.statuses.filter((other) => other !== status))
              }
            />
            {lampOf(status).word}
          </label>
        ))}
      </fieldset>
    </div>
  );
}
