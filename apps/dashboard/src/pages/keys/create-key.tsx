import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { keys, principals } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import type { CreatedKey } from '../../api/shapes.ts';
import { scopesIn } from '../../model/keys.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useWho } from '../../shell/who.ts';
import form from '../../parts/form.module.css';
import styles from './keys.module.css';

const roles: readonly { role: string; about: string }[] = [
  { role: 'viewer', about: 'reads everything but keys and secrets' },
  { role: 'operator', about: 'runs everything, decides on nobody’s rights' },
  { role: 'agent', about: 'works on tasks and uses what the workspace offers' },
  { role: 'admin', about: 'everything, keys included' },
];

const lives: readonly { label: string; days: number | null }[] = [
  { label: '7 days', days: 7 },
  { label: '30 days', days: 30 },
  { label: '90 days', days: 90 },
  { label: '1 year', days: 365 },
  { label: 'Never', days: null },
];
const dayS = 86_400;
/** Not a principal's id: stands for one that is made with the key. */
const another = 'another';

/** Asks for what a new key may do and how long it lives; the least and a limited time come first. */
export function CreateKey({
  isOpen,
  onClose,
  onCreated,
}: {
  isOpen: boolean;
  onClose: () => void;
  onCreated: (key: CreatedKey) => void;
}): ReactNode {
  const [name, setName] = useState('');
  const who = useWho();
  const known = useQuery({ ...queries.principals(), enabled: isOpen }).data ?? [];
  const [speaksFor, setSpeaksFor] = useState('');
  const [role, setRole] = useState('viewer');
  const [scopes, setScopes] = useState('');
  const [life, setLife] = useState(1);
  const { scopes: asked, wrong } = scopesIn(scopes);
  const create = useMutation({
    mutationFn: async () => {
      const days = lives[life]?.days;
      const principal =
        speaksFor === another ? (await principals.create({ kind: 'service-account', name: name.trim(), roles: [role] })).id : speaksFor;
      return keys.create({
        name: name.trim(),
        ...(principal !== '' && { principal }),
        ...(asked.length > 0 && { scopes: asked }),
        ...(days !== null && days !== undefined && { expiresInS: days * dayS }),
      });
    },
    onSuccess: (key) => {
      setName('');
      setScopes('');
      onCreated(key);
    },
  });
  return (
    <Dialogue title="Create a key" isOpen={isOpen} onClose={onClose}>
      <form
        className={form.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '' && wrong.length === 0 && !create.isPending) create.mutate();
        }}
      >
        <label className={form.field}>
          <span>Name</span>
          <input
            autoFocus
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="What uses it, as: ci-deploy"
            autoComplete="off"
            maxLength={63}
          />
        </label>
        <label className={form.field}>
          <span>Speaks for</span>
          <select value={speaksFor} onChange={(event) => setSpeaksFor(event.target.value)}>
            <option value="">me ({who.name})</option>
            <option value={another}>a new service account of the key’s name</option>
            {known
              .filter(({ id, disabled }) => id !== who.principal && !disabled)
              .map(({ id, name: other, roles: held }) => (
                <option key={id} value={id}>
                  {other} ({held.join(', ')})
                </option>
              ))}
          </select>
        </label>
        {speaksFor === another && (
          <fieldset className={styles.roles}>
            <legend>Role of the service account</legend>
            {roles.map((each) => (
              <label key={each.role}>
                <input type="radio" name="role" checked={role === each.role} onChange={() => setRole(each.role)} />
                <span>
                  <strong>{each.role}</strong> <span className="quiet">{each.about}</span>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        <label className={form.field}>
          <span>
            Only these scopes <span className="quiet">(empty: all that it may)</span>
          </span>
          <input
            value={scopes}
            onChange={(event) => setScopes(event.target.value)}
            placeholder="runs:read tools:call"
            autoComplete="off"
            spellCheck={false}
            {...(wrong.length > 0 && { 'aria-invalid': true, 'aria-describedby': 'scopes-fault' })}
          />
          {wrong.length > 0 && (
            <span id="scopes-fault" className={form.fault} role="alert">
              A scope is a thing and a verb, as runs:read. This is none: {wrong.join(', ')}
            </span>
          )}
        </label>
        <label className={form.field}>
          <span>Lives for</span>
          <select value={life} onChange={(event) => setLife(Number(event.target.value))}>
            {lives.map(({ label }, i) => (
              <option key={label} value={i}>
                {label}
              </option>
            ))}
          </select>
        </label>
        {create.error && <ProblemNote error={create.error} />}
        <div className={form.levers}>
          <Button onPress={onClose}>Not now</Button>
          <Button kind="primary" type="submit" isPending={create.isPending} isDisabled={name.trim() === '' || wrong.length > 0}>
            Create key
          </Button>
        </div>
      </form>
    </Dialogue>
  );
}
