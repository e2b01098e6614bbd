import type { StageCheck, StageHolder } from '@signalbox/sdk/client/stages.js';
import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { client } from '../../api/client.ts';
import { holderOf, stageLamp, stageName } from '../../model/stages.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { useMay, useWho } from '../../shell/who.ts';
import { CheckedGate } from './checked-gate.tsx';
import styles from './stages.module.css';

interface OneStageProps {
  agent: string;
  version: number;
  check: StageCheck;
  holders: readonly StageHolder[];
}

/** One stage: who is there, each gate's metrics against their targets for one version, and the levers. */
export function OneStage({ agent, version, check, holders }: OneStageProps): ReactNode {
  const holder = holderOf(check.stage, holders);
  const order = check.blockers.filter(({ because }) => because.startsWith('version '));
  return (
    <Panel
      title={stageName(check.stage)}
      note={
        holder === null ? (
          'no version is there'
        ) : (
          <>
            version {holder.version}, by {holder.byName}, <Moment at={holder.since} />
          </>
        )
      }
      actions={<Levers agent={agent} version={version} check={check} />}
      flush
    >
      <PanelPart>
        <LampWord lamp={stageLamp(check)} />
        {order.map(({ because }) => (
          <p key={because} className={styles.says}>
            {because.charAt(0).toUpperCase() + because.slice(1)}.
          </p>
        ))}
      </PanelPart>
      {check.gates.map((gate) => (
        <CheckedGate key={gate.gate} gate={gate} />
      ))}
    </Panel>
  );
}

function Levers({ agent, version, check }: Omit<OneStageProps, 'holders'>): ReactNode {
  const { stage, held, allowed, gates } = check;
  const mayPromote = useMay('agents:promote');
  const mayApprove = useMay('agents:approve');
  const { roles } = useWho();
  const tell = useTell();
  const queryClient = useQueryClient();
  const name = stageName(stage).toLowerCase();
  const done = async (text: string): Promise<void> => {
    await queryClient.invalidateQueries({ queryKey: ['agent', agent] });
    tell(text);
  };
  const asksMe = gates.some(({ approvals }) => approvals && !approvals.met && approvals.roles.some((role) => roles.includes(role)));
  return (
    <>
      {mayApprove && !held && asksMe && (
        <Confirm
          small
          danger={false}
          action="Approve"
          keep="Not now"
          question={`Approve version ${version} for ${name}?`}
          onConfirm={async () => {
            await client.stages.approve(agent, { version, to: stage });
            await done(`Version ${version} is approved for ${name}.`);
          }}
        >
          <p>Somebody else can then promote it. Your approval does not count for a promotion that you ask for yourself.</p>
        </Confirm>
      )}{' '}
      {mayPromote && !held && allowed && (
        <Confirm
          small
          primary
          danger={false}
          action="Promote"
          keep="Not now"
          question={`Promote version ${version} to ${name}?`}
          onConfirm={async () => {
            await client.stages.promote(agent, { version, to: stage });
            await done(`Version ${version} is at ${name} now.`);
          }}
        >
          <p>All gates hold. The version that is there now can come back.</p>
        </Confirm>
      )}
      {mayPromote && held && (
        <Confirm
          small
          action="Demote"
          keep="Leave it"
          question={`Take version ${version} from ${name}?`}
          onConfirm={async () => {
            await client.stages.demote(agent, { version, from: stage });
            await done(`Version ${version} left ${name}.`);
          }}
        >
          <p>It leaves all later stages too. The version that was there before is there again; approvals for them are void.</p>
        </Confirm>
      )}
    </>
  );
}
