import type { NextAction } from '@signalbox/sdk/client/deployments.js';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { actionReason, actionTitle, withinWords } from '../../model/board.ts';
import { Panel } from '../../parts/panel.tsx';
import styles from './board.module.css';

/** What to do next, most urgent first. Each leads to the agent that it is about. */
export function NextActions({
  actions,
  hrefOf,
}: {
  actions: readonly NextAction[];
  hrefOf: (agent: string) => { search: string };
}): ReactNode {
  return (
    <Panel title="Next actions" note={actions.length} flush>
      <ol>
        {actions.map((action) => (
          <li key={`${action.within} ${action.action} ${action.agent}`} className={styles.action}>
            <span className={styles.within}>{withinWords[action.within] ?? action.within}</span>
            <Link to={hrefOf(action.agent)} replace preventScrollReset className={styles.actionTitle}>
              {actionTitle(action)}
            </Link>
            <span className={styles.because}>{actionReason(action.because, action.unblocks)}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
