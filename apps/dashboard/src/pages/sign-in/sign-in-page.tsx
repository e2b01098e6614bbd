import { ApiError } from '@signalbox/sdk/client/api-error.js';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { session } from '../../api/client.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/copy.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { Mark } from '../../shell/mark.tsx';
import styles from './sign-in.module.css';

/** Takes an API key once and trades it for a session. The key stays in the field: never in storage, never in an address. */
export function SignInPage(): ReactNode {
  const [key, setKey] = useState('');
  const client = useQueryClient();
  const signIn = useMutation({
    mutationFn: (text: string) => session.signIn(text),
    onSuccess: () => {
      setKey('');
      return client.resetQueries({ queryKey: ['whoami'] });
    },
  });
  useEffect(() => {
    document.title = 'Sign in · Signalbox';
  }, []);
  const refused = signIn.error instanceof ApiError && signIn.error.status === 401;

  return (
    <main className={styles.page}>
      <form
        className={styles.card}
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() !== '' && !signIn.isPending) signIn.mutate(key.trim());
        }}
      >
        <div className={styles.brand}>
          <Mark size={30} />
          <h1>Signalbox</h1>
        </div>
        <label className={styles.label}>
          <span>API key</span>
          <input
            type="password"
            name="key"
            value={key}
            onChange={(event) => setKey(event.target.value)}
            placeholder="sbx_…"
            autoComplete="current-password"
            spellCheck={false}
            autoFocus
            {...(refused && { 'aria-invalid': true, 'aria-describedby': 'refused' })}
          />
        </label>
        {refused && (
          <p id="refused" role="alert" className={styles.refused}>
            This key is not known here, has expired or was revoked. Check that it was copied whole.
          </p>
        )}
        {signIn.error && !refused && <ProblemNote error={signIn.error} />}
        <Button kind="primary" type="submit" isPending={signIn.isPending} isDisabled={key.trim() === ''}>
          Sign in
        </Button>
        <div className={styles.help}>
          <p>
            On the first start the administrator’s key was shown once in the terminal. It is kept in the data folder, readable by its owner
            alone:
          </p>
          <Command text="cat .signalbox/admin.key" />
          <p>This browser gets a session of at most 12 hours; the key itself is not stored in it.</p>
        </div>
      </form>
    </main>
  );
}
