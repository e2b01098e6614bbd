import type { Board, BoardAgent } from '@signalbox/sdk/client/deployments.js';
import { X } from 'lucide-react';
import type { CSSProperties, ReactNode } from 'react';
import { Link } from 'react-router';
import { causesOf, dependantsOf, kindWord, memberHref, thingOf } from '../../model/board.ts';
import { lampOf } from '../../model/lamps.ts';
import { stageName } from '../../model/stages.ts';
import { listed } from '../../model/text.ts';
import { formatDays, formatSlack } from '../../model/time.ts';
import { ButtonLink } from '../../parts/button.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampSign, LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note } from '../../parts/notes.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { IfItSlips } from './if-it-slips.tsx';
import { StepOnBoard } from './step-on-board.tsx';
import styles from './board.module.css';

interface AgentOnBoardProps {
  board: Board;
  agent: BoardAgent;
  closeHref: { search: string };
  hrefOf: (agent: string) => { search: string };
}

/** The selected agent: why it stands as it does, its steps and the levers of those that people report. */
export function AgentOnBoard({ board, agent, closeHref, hrefOf }: AgentOnBoardProps): ReactNode {
  const causes = causesOf(board.agents, agent.name);
  const dependants = dependantsOf(board.agents, agent.name);
  const kind = kindWord(agent);
  const href = memberHref(agent);
  return (
    <Panel
      title={agent.name}
      flush
      actions={
        <ButtonLink kind="quiet" small to={closeHref} replace preventScrollReset aria-label={`Close ${agent.name}`}>
          <X size={15} aria-hidden />
        </ButtonLink>
      }
    >
      <PanelPart>
        <KeyValues
          rows={[
            ['Status', <LampWord key="lamp" lamp={lampOf(agent.status)} />],
            ['Ends', agent.eta && <EtaText agent={agent} />],
            ['Estimate', agent.estimateDays[1] > 0 ? formatDays(agent.estimateDays) : null],
            ['Slack', agent.slackDays === null ? null : `${formatSlack(agent.slackDays)}${agent.critical ? ', on the critical path' : ''}`],
            [
              'Priority',
              agent.priority && (agent.importance ? `${agent.priority}; set to ${agent.importance} in the manifest` : agent.priority),
            ],
            ['Stage', agent.stage && stageName(agent.stage)],
            [
              kind === null ? 'Agent' : `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`,
              href === null ? (
                agent.agent
              ) : (
                <Link key="agent" to={href}>
                  {agent.agent}
                </Link>
              ),
            ],
          ]}
        />
        {agent.statusReason && (
          <div className={styles.because}>
            <Note tone={agent.status === 'failed' || agent.status === 'isolated' ? 'stop' : 'dark'}>{agent.statusReason}</Note>
          </div>
        )}
      </PanelPart>
      {causes.length > 0 && (
        <PanelPart title="Why it waits">
          <ul className={styles.causes}>
            {causes.map(({ on, because, status, depth }) => (
              <li key={on} className={styles.cause} style={{ '--depth': depth } as CSSProperties}>
                <LampSign lamp={lampOf(status ?? 'waiting')} size={14} />
                <span>
                  {status ? (
                    <Link to={hrefOf(on)} replace preventScrollReset>
                      {on}
                    </Link>
                  ) : (
                    <strong>{thingOf(on)}</strong>
                  )}
                  : {because}
                </span>
              </li>
            ))}
          </ul>
        </PanelPart>
      )}
      {agent.steps.length > 0 && (
        <PanelPart title="Steps" note={`${agent.steps.filter(({ state }) => state === 'done').length} of ${agent.steps.length} done`}>
          <ul>
            {agent.steps.map((step) => (
              <StepOnBoard key={step.name} deployment={board.name} agent={agent.name} step={step} />
            ))}
          </ul>
        </PanelPart>
      )}
      {agent.slackDays !== null && <IfItSlips board={board} agent={agent.name} />}
      {dependants.length > 0 && (
        <PanelPart title="What waits for it">
          <Note>
            {listed(dependants, 6)} {dependants.length === 1 ? 'needs' : 'need'} {agent.name}.
          </Note>
        </PanelPart>
      )}
    </Panel>
  );
}

function EtaText({ agent }: { agent: BoardAgent }): ReactNode {
  if (!agent.eta) return null;
  return (
    <>
      in {formatDays(agent.eta.days)} (<Moment at={agent.eta.at} />)
    </>
  );
}
