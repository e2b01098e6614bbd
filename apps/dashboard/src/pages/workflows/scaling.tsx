import type { Workflow } from '@signalbox/sdk/client/workflows.js';
import { useQueryClient } from '@tanstack/react-query';
import { Shrink, Undo2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { client } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';
import form from '../../parts/form.module.css';
import { Moment } from '../../parts/moment.tsx';
import { Note } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { useMay } from '../../shell/who.ts';

/** That new runs get the smaller workflow, since when and why. */
export function ScaledBackNote({ workflow: { scaleBack } }: { workflow: Workflow }): ReactNode {
  if (!scaleBack?.active) return null;
  const { since, because, by, how } = scaleBack.active;
  return (
    <Note>
      Scaled back <Moment at={since} /> by {by}: new runs get{' '}
      <Link to={`/workflows/${encodeURIComponent(scaleBack.to)}`}>{scaleBack.to}</Link>. {because}{' '}
      {how === 'hand' && <span className="quiet">It stays so until somebody restores it.</span>}
    </Note>
  );
}

/** Scales a workflow back by hand, or restores it. */
export function ScaleBackOrRestore({ workflow: { name, scaleBack } }: { workflow: Workflow }): ReactNode {
  const mayWrite = useMay('workflows:write');
  const tell = useTell();
  const cache = useQueryClient();
  const [reason, setReason] = useState('');
  if (!mayWrite || scaleBack === undefined) return null;
  const fresh = async (): Promise<void> => {
    await Promise.all([cache.invalidateQueries({ queryKey: ['workflows'] }), cache.invalidateQueries({ queryKey: ['workflow', name] })]);
  };
  if (scaleBack.active) {
    return (
      <Confirm
        danger={false}
        action="Restore"
        keep="Leave it scaled back"
        icon={<Undo2 size={15} aria-hidden />}
        question={`Restore ${name}?`}
        onConfirm={async () => {
          await client.workflows.restore(name);
          await fresh();
          tell(`New runs get ${name} again.`);
        }}
      >
        <p>New runs get {name} again. While its agents are short it is scaled back anew once that has lasted as long as it says.</p>
      </Confirm>
    );
  }
  return (
    <Confirm
      danger={false}
      action="Scale back"
      keep="Leave it as it is"
      icon={<Shrink size={15} aria-hidden />}
      question={`Scale ${name} back to ${scaleBack.to}?`}
      onConfirm={async () => {
        await client.workflows.scaleBack(name, reason.trim() === '' ? undefined : reason.trim());
        await fresh();
        tell(`New runs of ${name} get ${scaleBack.to}.`);
      }}
    >
      <p>New runs get {scaleBack.to} until somebody restores it. Runs that are under way go on.</p>
      <label className={form.field}>
        <span>
          Why <span className="quiet">(for those who find it so)</span>
        </span>
        <input value={reason} onChange={(event) => setReason(event.target.value)} maxLength={500} autoComplete="off" />
      </label>
    </Confirm>
  );
}
