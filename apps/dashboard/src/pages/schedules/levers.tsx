import { newIdempotencyKey } from '@signalbox/sdk/client/transport.js';
import { useQueryClient } from '@tanstack/react-query';
import { Pause, Play, Trash2 } from 'lucide-react';
import { useRef, useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { useTell } from '../../parts/notices.tsx';
import form from '../../parts/form.module.css';
import { useMay } from '../../shell/who.ts';

interface Named {
  kind: 'schedules' | 'triggers';
  name: string;
  state: 'active' | 'paused' | 'ended';
}

/** Runs a schedule now; the run opens. */
export function RunNow({ name, workflow, small = false }: { name: string; workflow: string; small?: boolean }): ReactNode {
  const navigate = useNavigate();
  const mayRun = useMay('runs:write');
  // A second press after a lost answer gives the same run and not another.
  const key = useRef(newIdempotencyKey());
  if (!mayRun) return null;
  return (
    <Confirm
      small={small}
      danger={false}
      action="Run now"
      keep="Not now"
      icon={<Play size={small ? 13 : 15} aria-hidden />}
      question={`Run ${name} now?`}
      onConfirm={async () => {
        const run = await client.schedules.run(name, { idempotencyKey: key.current });
        key.current = newIdempotencyKey();
        await navigate(`/runs/${run.id}`);
      }}
    >
      <p>A run of {workflow} starts at once, with your rights, also beside one that has not ended. Its times stay as they are.</p>
    </Confirm>
  );
}

/** Pauses what is on, with a reason, or lets it go on. */
export function PauseOrResume({ kind, name, state, small = false }: Named & { small?: boolean }): ReactNode {
  const mayWrite = useMay('schedules:write');
  const tell = useTell();
  const fresh = useFresh(kind, name);
  const [reason, setReason] = useState('');
  if (!mayWrite || state === 'ended') return null;
  const size = small ? 13 : 15;
  if (state === 'paused') {
    return (
      <Confirm
        small={small}
        danger={false}
        action="Resume"
        keep="Leave it paused"
        icon={<Play size={size} aria-hidden />}
        question={`Resume ${name}?`}
        onConfirm={async () => {
          await client[kind].resume(name);
          await fresh();
          tell(`${name} goes on.`);
        }}
      >
        <p>It goes on with {kind === 'schedules' ? 'its next time' : 'what happens'} from now; what it missed is not caught up.</p>
      </Confirm>
    );
  }
  return (
    <Confirm
      small={small}
      danger={false}
      action="Pause"
      keep="Leave it on"
      icon={<Pause size={size} aria-hidden />}
      question={`Pause ${name}?`}
      onConfirm={async () => {
        await client[kind].pause(name, reason.trim() === '' ? undefined : reason.trim());
        await fresh();
        tell(`${name} is paused.`);
      }}
    >
      <p>It starts nothing until it is resumed. Its runs go on.</p>
      <label className={form.field}>
        <span>
          Why <span className="quiet">(for those who find it paused)</span>
        </span>
        <input value={reason} onChange={(event) => setReason(event.target.value)} maxLength={500} autoComplete="off" />
      </label>
    </Confirm>
  );
}

/** Takes it away; the list opens. */
export function Delete({ kind, name }: Pick<Named, 'kind' | 'name'>): ReactNode {
  const navigate = useNavigate();
  const mayWrite = useMay('schedules:write');
  const tell = useTell();
  const fresh = useFresh(kind, name);
  if (!mayWrite) return null;
  return (
    <Confirm
      action="Delete"
      keep="Keep it"
      icon={<Trash2 size={15} aria-hidden />}
      question={`Delete ${name}?`}
      onConfirm={async () => {
        await client[kind].remove(name);
        await navigate(kind === 'schedules' ? '/schedules' : '/schedules?view=triggers');
        await fresh();
        tell(`${name} is deleted.`);
      }}
    >
      <p>
        It and its history are gone; its runs go on and stay.
        {kind === 'triggers' && ' A hook of the same name will have another address.'}
      </p>
    </Confirm>
  );
}

function useFresh(kind: Named['kind'], name: string): () => Promise<void> {
  const cache = useQueryClient();
  return async () => {
    await Promise.all([
      cache.invalidateQueries({ queryKey: [kind] }),
      cache.invalidateQueries({ queryKey: [kind === 'schedules' ? 'schedule' : 'trigger', name] }),
    ]);
  };
}
