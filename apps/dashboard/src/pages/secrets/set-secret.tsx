import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { secretFault } from '../../model/secrets.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import form from '../../parts/form.module.css';

/** Asks for a secret's value, which is not shown while it is typed nor afterwards. `known` is the one that gets another; empty: a new one. */
export function SetSecret({ known, onClose, onSet }: { known: string; onClose: () => void; onSet: () => void }): ReactNode {
  const [name, setName] = useState(known);
  const [value, setValue] = useState('');
  const [description, setDescription] = useState('');
  const tell = useTell();
  const fault = name === '' && value === '' ? null : secretFault(name, value);
  const isReady = name !== '' && value !== '' && fault === null;
  const set = useMutation({
    mutationFn: () => client.secrets.set(name, { value, ...(description !== '' && { description }) }),
    onSuccess: ({ version }) => {
      onSet();
      onClose();
      tell(`The secret ${name} is set, version ${version}.`);
    },
  });
  return (
    <Dialogue title={known === '' ? 'Set a secret' : `Set ${known} anew`} isOpen onClose={onClose}>
      <form
        className={form.form}
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !set.isPending) set.mutate();
        }}
      >
        {known === '' && (
          <label className={form.field}>
            <span>Name</span>
            <input
              autoFocus
              value={name}
              onChange={(event) => setName(event.target.value)}
              placeholder="As manifests name it: github-token"
              autoComplete="off"
              spellCheck={false}
              maxLength={63}
            />
          </label>
        )}
        <label className={form.field}>
          <span>Value</span>
          <input
            type="password"
            autoFocus={known !== ''}
            value={value}
            onChange={(event) => setValue(event.target.value)}
            autoComplete="new-password"
            {...(fault !== null && { 'aria-invalid': true, 'aria-describedby': 'secret-fault' })}
          />
        </label>
        <label className={form.field}>
          <span>
            What it is for <span className="quiet">(empty: as before)</span>
          </span>
          <input value={description} onChange={(event) => setDescription(event.target.value)} autoComplete="off" maxLength={500} />
        </label>
        {fault !== null && (
          <span id="secret-fault" className={form.fault} role="alert">
            {fault}
          </span>
        )}
        {set.error && <ProblemNote error={set.error} />}
        <div className={form.levers}>
          <Button onPress={onClose}>Not now</Button>
          <Button kind="primary" type="submit" isPending={set.isPending} isDisabled={!isReady}>
            Set secret
          </Button>
        </div>
      </form>
    </Dialogue>
  );
}
