import type { Deployment } from '@signalbox/sdk/client/deployments.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { boardSentence } from '../../model/board.ts';
import { overallSentence } from '../../model/overall.ts';
import { lampOf } from '../../model/lamps.ts';
import { may } from '../../model/permissions.ts';
import { formatPercent } from '../../model/text.ts';
import { ButtonLink } from '../../parts/button.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useSelection } from '../../routing/selection.ts';
import { useWho } from '../../shell/who.ts';
import { RunsTable } from '../runs/runs-table.tsx';
import { BoardView } from './board-view.tsx';
import { DeploymentLevers } from './deployment-levers.tsx';
import { SummaryTiles } from './summary-tiles.tsx';
import styles from './board.module.css';

/** The front page: the whole system in a sentence and four figures, one deployment's board, the latest runs. */
export function BoardPage(): ReactNode {
  const who = useWho();
  const deployments = useQuery({ ...queries.deployments(), enabled: may(who, 'deployments:read') });
  const services = useQuery(queries.services()).data;
  const agents = useQuery({ ...queries.agents(), enabled: may(who, 'agents:read') }).data;
  const servers = useQuery({ ...queries.mcpServers(), enabled: may(who, 'mcp-servers:read') }).data;
  const runs = useQuery({ ...queries.latestRuns({}, 50), enabled: may(who, 'runs:read') });
  return (
    <Page title="Board" sentence={overallSentence({ services, agents, servers, runs: runs.data })}>
      <SummaryTiles />
      <Loaded query={deployments} rows={8}>
        {(data) =>
          data.length === 0 ? (
            <>
              <Panel title="Deployments" flush>
                <Empty title="No deployments yet." command="npx signalbox apply -f examples/deployment-board">
                  A deployment is a set of agents that come up in the order of their dependencies. Its board shows what is ready, what waits
                  and for what.
                </Empty>
              </Panel>
              <LatestRuns />
            </>
          ) : (
            <Deployments deployments={data} />
          )
        }
      </Loaded>
    </Page>
  );
}

function LatestRuns(): ReactNode {
  const who = useWho();
  const isOffered = may(who, 'runs:read');
  const runs = useQuery({ ...queries.latestRuns({}, 50), enabled: isOffered });
  if (!isOffered) return null;
  return (
    <Panel
      title="Latest runs"
      actions={
        <ButtonLink small to="/runs">
          All runs
        </ButtonLink>
      }
      flush
    >
      <Loaded query={runs} rows={5}>
        {(data) => <RunsTable runs={data.slice(0, 8)} />}
      </Loaded>
    </Panel>
  );
}

function Deployments({ deployments }: { deployments: readonly Deployment[] }): ReactNode {
  const { selected, hrefOf } = useSelection('deployment');
  const chosen = deployments.find(({ name }) => name === selected) ?? mostTelling(deployments);
  return (
    <>
      {deployments.length > 1 && (
        <nav className={styles.picker} aria-label="Deployments">
          {deployments.map((each) => (
            <Link
              key={each.name}
              to={hrefOf(each.name)}
              replace
              preventScrollReset
              className={styles.pick}
              {...(each === chosen && { 'aria-current': 'true' })}
            >
              <span className={styles.pickName}>{each.name}</span>
              <LampWord lamp={lampOf(each.status)} />
              <span className={styles.pickNote}>
                {each.done} of {each.agents} agents done · {formatPercent(each.progress)}
              </span>
            </Link>
          ))}
        </nav>
      )}
      {chosen && <DeploymentSection key={chosen.name} deployment={chosen} />}
    </>
  );
}

/** What a person wants to see first: one that failed, else one that moves, else the one that changed last. */
function mostTelling(deployments: readonly Deployment[]): Deployment | undefined {
  const rank = ({ status }: Deployment): number => ['failed', 'degraded', 'active', 'starting', 'ready', 'done'].indexOf(status);
  return deployments.toSorted((a, b) => rank(a) - rank(b) || Date.parse(b.updatedAt) - Date.parse(a.updatedAt))[0];
}

function DeploymentSection({ deployment }: { deployment: Deployment }): ReactNode {
  const board = useQuery(queries.board(deployment.name));
  return (
    <>
      <div className={styles.sectionHead}>
        <div>
          <h2>
            <Link to={`/deployments/${encodeURIComponent(deployment.name)}`}>{deployment.name}</Link>
          </h2>
          {board.data && (
            <p>
              <Facts>
                {[
                  boardSentence(board.data.agents),
                  <span key="at">
                    updated <Moment at={board.data.updatedAt} />
                  </span>,
                ]}
              </Facts>
            </p>
          )}
        </div>
        <div className={styles.sectionLevers}>
          <ButtonLink to={`/deployments/${encodeURIComponent(deployment.name)}?view=timeline`}>Timeline</ButtonLink>
          {board.data && <DeploymentLevers board={board.data} deployment={deployment} />}
        </div>
      </div>
      <Loaded query={board} rows={8}>
        {(data) => (
          <BoardView board={data}>
            <LatestRuns />
          </BoardView>
        )}
      </Loaded>
    </>
  );
}
