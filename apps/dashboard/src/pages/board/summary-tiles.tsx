import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { lampOf, serverLampOf, worstLamp, type Lamp } from '../../model/lamps.ts';
import { may } from '../../model/permissions.ts';
import { agentsSummary, runsSummary, summaryOf } from '../../model/summary.ts';
import { LampSign } from '../../parts/lamp.tsx';
import { useWho } from '../../shell/who.ts';
import styles from './board.module.css';

/** Services, agents, MCP servers and runs, each in one figure and the sentence that matters most. */
export function SummaryTiles(): ReactNode {
  const who = useWho();
  const services = useQuery(queries.services()).data;
  const agents = useQuery({ ...queries.agents(), enabled: may(who, 'agents:read') }).data;
  const servers = useQuery({ ...queries.mcpServers(), enabled: may(who, 'mcp-servers:read') }).data;
  const runs = useQuery({ ...queries.latestRuns({}, 50), enabled: may(who, 'runs:read') }).data;
  return (
    <section className={styles.tiles} aria-label="Summary">
      <Tile
        label="Services"
        to="/services"
        summary={
          services &&
          summaryOf(
            services,
            ({ status }) => status === 'up',
            'up',
            ({ detail }) => detail ?? 'it does not answer',
          )
        }
        lamps={services?.map(({ status }) => lampOf(status))}
      />
      <Tile
        label="Agents"
        to="/agents"
        summary={agents && agentsSummary(agents)}
        lamps={agents?.map(({ status }) => lampOf(status)).filter(({ shape }) => shape !== 'lines')}
      />
      <Tile
        label="MCP servers"
        to="/mcp-servers"
        summary={
          servers &&
          summaryOf(
            servers,
            ({ status }) => status === 'ready',
            'ready',
            ({ statusReason, status }) => statusReason ?? status,
          )
        }
        lamps={servers?.map(({ status }) => serverLampOf(status))}
      />
      <Tile label="Runs" to="/runs" summary={runs && runsSummary(runs)} lamps={runs?.slice(0, 1).map(({ status }) => lampOf(status))} />
    </section>
  );
}

function Tile({
  label,
  to,
  summary,
  lamps,
}: {
  label: string;
  to: string;
  summary: { figure: string; note: string } | undefined;
  lamps: Lamp[] | undefined;
}): ReactNode {
  const lamp = worstLamp(lamps ?? []);
  return (
    <Link to={to} className={styles.tile}>
      <span className={styles.tileLabel}>{label}</span>
      <span className={styles.figure}>
        {lamp && <LampSign lamp={lamp} size={17} />}
        {summary?.figure ?? <span className="faint">…</span>}
      </span>
      <span className={styles.tileNote}>{summary?.note ?? '\u00a0'}</span>
    </Link>
  );
}
