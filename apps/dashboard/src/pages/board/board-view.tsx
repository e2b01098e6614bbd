import type { Board } from '@signalbox/sdk/client/deployments.js';
import type { ReactNode } from 'react';
import { Empty } from '../../parts/notes.tsx';
import { Beside } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useSelection } from '../../routing/selection.ts';
import { AgentOnBoard } from './agent-on-board.tsx';
import { BoardTable } from './board-table.tsx';
import { NextActions } from './next-actions.tsx';
import { Tracks } from './tracks.tsx';

/** A deployment's board: tracks, table, and beside them the selected agent and what to do next. `children` stand below the table. */
export function BoardView({ board, children }: { board: Board; children?: ReactNode }): ReactNode {
  const { selected, hrefOf } = useSelection('agent');
  const agent = board.agents.find(({ name }) => name === selected);
  if (board.agents.length === 0) {
    return (
      <Panel flush>
        <Empty title="This deployment has no agents." command="npx signalbox apply -f deployment.yaml">
          Name agents in its manifest and apply it again.
        </Empty>
      </Panel>
    );
  }
  return (
    <Beside
      aside={
        (agent !== undefined || board.nextActions.length > 0) && (
          <>
            {agent && <AgentOnBoard board={board} agent={agent} closeHref={hrefOf(null)} hrefOf={hrefOf} />}
            {board.nextActions.length > 0 && <NextActions actions={board.nextActions} hrefOf={hrefOf} />}
          </>
        )
      }
    >
      <Panel title="Tracks" note="thick: critical path" flush>
        <Tracks board={board} selected={selected} hrefOf={hrefOf} />
      </Panel>
      <BoardTable agents={board.agents} selected={selected} hrefOf={hrefOf} />
      {children}
    </Beside>
  );
}
