import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { boardSentence } from '../../model/board.ts';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import { BoardView } from './board-view.tsx';
import { DeploymentLevers } from './deployment-levers.tsx';
import { DriftPanel } from './drift-panel.tsx';
import { Gantt } from './gantt.tsx';

const Manifest = lazy(() => import('../../parts/manifest.tsx'));
const tabs = [
  { id: 'board', label: 'Board' },
  { id: 'timeline', label: 'Timeline' },
  { id: 'manifest', label: 'Manifest' },
];

/** One deployment with all of its views. */
export default function DeploymentPage(): ReactNode {
  const { name = '' } = useParams();
  const board = useQuery(queries.board(name));
  const deployment = useQuery(queries.deployment(name));
  const tab = useTab(tabs);
  return (
    <Page
      title={name}
      parent={{ label: 'Board', to: '/' }}
      sentence={
        board.data && (
          <Facts>
            {[
              boardSentence(board.data.agents),
              <span key="at">
                updated <Moment at={board.data.updatedAt} />
              </span>,
            ]}
          </Facts>
        )
      }
      actions={board.data && <DeploymentLevers board={board.data} deployment={deployment.data} />}
      tabs={<Tabs tabs={tabs} label={`Views of ${name}`} />}
    >
      {tab === 'manifest' ? (
        <Panel title="Manifest">
          <Loaded query={deployment}>
            {(data) => (
              <Suspense fallback={<Placeholder />}>
                <Manifest value={data.manifest} name={name} />
              </Suspense>
            )}
          </Loaded>
        </Panel>
      ) : (
        <Loaded query={board} rows={8}>
          {(data) =>
            tab === 'timeline' ? (
              <Gantt board={data} />
            ) : (
              <BoardView board={data}>
                <DriftPanel name={name} />
              </BoardView>
            )
          }
        </Loaded>
      )}
    </Page>
  );
}
