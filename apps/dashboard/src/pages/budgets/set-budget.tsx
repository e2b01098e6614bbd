import type { Budget, BudgetPeriod } from '@signalbox/sdk/client/budgets.js';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { draftOf, effectOf, scopeText, specOf, type BudgetDraft } from '../../model/budgets.ts';
import { Button } from '../../parts/button.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { ProblemNote } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import form from '../../parts/form.module.css';
import styles from './budgets.module.css';

/** Asks for the limits of a budget; says what a change of `known` means before it is made. */
export function SetBudget({ known, onClose }: { known: Budget | null; onClose: () => void }): ReactNode {
  const [draft, setDraft] = useState(() => draftOf(known));
  const [isAsked, setAsked] = useState(false);
  const cache = useQueryClient();
  const tell = useTell();
  const made = specOf(draft, known);
  const effects = 'spec' in made && known ? effectOf(made.spec, known) : [];
  const isReady = 'spec' in made && (known === null || effects.length > 0);
  const apply = useMutation({
    mutationFn: () => {
      if ('fault' in made) throw new Error(made.fault);
      return client.budgets.apply(made.scope, made.spec);
    },
    onSuccess: async ({ resource }) => {
      await cache.invalidateQueries({ queryKey: ['budgets'] });
      onClose();
      tell(`The budget ${resource.scope} is ${known ? 'changed' : 'set'}.`);
    },
  });
  const submit = (): void => {
    if (!isReady || apply.isPending) return;
    if (known && !isAsked) setAsked(true);
    else apply.mutate();
  };
  return (
    <Dialogue title={known ? `Change the budget of ${scopeText(known.scope).toLowerCase()}` : 'Set a budget'} isOpen onClose={onClose}>
      <form
        className={form.form}
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {isAsked ? (
          <ul className={styles.effects}>
            {effects.map((effect) => (
              <li key={effect}>{effect}</li>
            ))}
          </ul>
        ) : (
          <Fields draft={draft} isNew={known === null} onChange={(change) => setDraft((old) => ({ ...old, ...change }))} />
        )}
        {'fault' in made && <span className={form.fault}>{made.fault}</span>}
        {apply.error && <ProblemNote error={apply.error} />}
        <div className={form.levers}>
          {isAsked ? <Button onPress={() => setAsked(false)}>Back</Button> : <Button onPress={onClose}>Not now</Button>}
          <Button kind="primary" type="submit" isPending={apply.isPending} isDisabled={!isReady}>
            {known === null ? 'Set budget' : isAsked ? 'Change budget' : 'See what changes'}
          </Button>
        </div>
      </form>
    </Dialogue>
  );
}

function Fields({
  draft,
  isNew,
  onChange,
}: {
  draft: BudgetDraft;
  isNew: boolean;
  onChange: (change: Partial<BudgetDraft>) => void;
}): ReactNode {
  const amount = (field: keyof BudgetDraft, label: string, note: string): ReactNode => (
    <label className={form.field}>
      <span>
        {label} <span className="quiet">({note})</span>
      </span>
      <input
        inputMode="decimal"
        value={draft[field]}
        onChange={(event) => onChange({ [field]: event.target.value })}
        autoComplete="off"
        maxLength={20}
      />
    </label>
  );
  return (
    <>
      {isNew && <ScopeFields draft={draft} onChange={onChange} />}
      <label className={form.field}>
        <span>Counts</span>
        <select value={draft.period} onChange={(event) => onChange({ period: event.target.value as BudgetPeriod })}>
          <option value="day">Each day anew (UTC)</option>
          <option value="month">Each month anew (UTC)</option>
          <option value="total">For good</option>
        </select>
      </label>
      <div className={styles.pair}>
        {amount('costUsd', 'US dollars', 'empty: no limit')}
        {amount('tokens', 'Tokens', 'in and out')}
        {amount('steps', 'Steps', 'attempts')}
      </div>
      <div className={styles.pair}>
        {amount('callTokens', 'Tokens of a call', 'where its step says none')}
        {amount('callCostUsd', 'US dollars of a call', 'likewise')}
      </div>
    </>
  );
}

function ScopeFields({ draft, onChange }: { draft: BudgetDraft; onChange: (change: Partial<BudgetDraft>) => void }): ReactNode {
  const workflows = useQuery({ ...queries.workflows(), enabled: draft.kind === 'workflow' }).data;
  const agents = useQuery({ ...queries.agents(), enabled: draft.kind === 'agent' }).data;
  const names = (draft.kind === 'workflow' ? workflows : agents) ?? [];
  return (
    <div className={styles.pair}>
      <label className={form.field}>
        <span>Of</span>
        <select value={draft.kind} onChange={(event) => onChange({ kind: event.target.value as BudgetDraft['kind'], name: '' })}>
          <option value="workspace">The whole workspace</option>
          <option value="workflow">All runs of a workflow</option>
          <option value="agent">All calls to an agent</option>
        </select>
      </label>
      {draft.kind !== 'workspace' && (
        <label className={form.field}>
          <span>Name</span>
          <select value={draft.name} onChange={(event) => onChange({ name: event.target.value })}>
            <option value="">Choose one</option>
            {names.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}
