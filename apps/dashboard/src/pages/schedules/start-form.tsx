import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { queries } from '../../api/queries.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import form from '../../parts/form.module.css';
import styles from './schedules.module.css';

interface Metadata {
  name: string;
  description?: string;
}

interface StartFormProps<Spec> {
  kind: 'Schedule' | 'Trigger';
  known: { name: string; version: number; manifest: { metadata: Metadata } } | null;
  draft: { name: string; description: string };
  made: { spec: Spec } | { fault: string };
  isReady: boolean;
  apply: (
    manifest: { apiVersion: 'signalbox.dev/v1'; kind: string; metadata: Metadata; spec: Spec },
    expectedVersion: number,
  ) => Promise<{ resource: { name: string } }>;
  onClose: () => void;
  /** Its fields. */
  children: ReactNode;
}

/** Makes something that starts runs, or changes `known`: what the form does not show stays as it was applied. */
export function StartForm<Spec>({ kind, known, draft, made, isReady, apply, onClose, children }: StartFormProps<Spec>): ReactNode {
  // What was changed by somebody else since, or has the name already, is not overwritten.
  const [expectedVersion] = useState(known?.version ?? 0);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const tell = useTell();
  const word = kind.toLowerCase();
  const applying = useMutation({
    mutationFn: () => {
      if ('fault' in made) throw new Error(made.fault);
      const { description: _, ...metadata } = known?.manifest.metadata ?? {};
      const description = draft.description.trim();
      const named = { ...metadata, name: draft.name.trim(), ...(description !== '' && { description }) };
      return apply({ apiVersion: 'signalbox.dev/v1', kind, metadata: named, spec: made.spec }, expectedVersion);
    },
    onSuccess: async ({ resource }) => {
      await Promise.all([
        cache.invalidateQueries({ queryKey: [`${word}s`] }),
        cache.invalidateQueries({ queryKey: [word, resource.name] }),
      ]);
      onClose();
      tell(known ? `${resource.name} is changed.` : `${resource.name} is there.`);
      if (!known) await navigate(`/${word}s/${encodeURIComponent(resource.name)}`);
    },
  });
  return (
    <Dialogue title={known ? `Edit ${known.name}` : `Create a ${word}`} isOpen onClose={onClose} wide>
      <form
        className={form.form}
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !applying.isPending) applying.mutate();
        }}
      >
        {children}
        {applying.error && <ProblemNote error={applying.error} />}
        <p className="quiet">Its runs have your rights, as long as you have them.</p>
        <div className={form.levers}>
          <Button onPress={onClose}>Not now</Button>
          <Button kind="primary" type="submit" isPending={applying.isPending} isDisabled={!isReady}>
            {`${known ? 'Save' : 'Create'} ${word}`}
          </Button>
        </div>
      </form>
    </Dialogue>
  );
}

interface TextProps {
  value: string;
  onChange: (value: string) => void;
}

export function NameField({ value, onChange, placeholder }: TextProps & { placeholder: string }): ReactNode {
  return (
    <label className={form.field}>
      <span>Name</span>
      <input autoFocus value={value} onChange={(event) => onChange(event.target.value)} placeholder={placeholder} maxLength={63} />
    </label>
  );
}

export function WorkflowChoice({ label, value, onChange }: TextProps & { label: string }): ReactNode {
  const workflows = useQuery(queries.workflows()).data ?? [];
  const isForeign = value !== '' && !workflows.some(({ name }) => name === value);
  return (
    <label className={form.field}>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">Choose one</option>
        {isForeign && <option>{value}</option>}
        {workflows.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

/** `about`: what can be named in it. */
export function InputField({ value, onChange, about, made }: TextProps & { about: string; made: object }): ReactNode {
  const fault = 'fault' in made ? String(made.fault) : null;
  return (
    <label className={form.field}>
      <span>
        Input <span className="quiet">{`(JSON; ${about})`}</span>
      </span>
      <textarea
        className={styles.input}
        rows={3}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        placeholder="{}"
        spellCheck={false}
        {...(fault !== null && { 'aria-invalid': true })}
      />
      {fault !== null && (
        <span className={form.fault} role="alert">
          {fault}
        </span>
      )}
    </label>
  );
}

export function DescriptionField({ value, onChange, max }: TextProps & { max: number }): ReactNode {
  return (
    <label className={form.field}>
      <span>
        What it is for <span className="quiet">(may be empty)</span>
      </span>
      <input value={value} onChange={(event) => onChange(event.target.value)} maxLength={max} />
    </label>
  );
}
