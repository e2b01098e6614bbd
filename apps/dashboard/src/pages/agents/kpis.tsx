import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { KpiTables, useWindow, WindowChoice } from '../kpis/kpi-tables.tsx';
import styles from './stages.module.css';

/** KPIs of one agent. */
export function AgentKpis({ agent }: { agent: string }): ReactNode {
  const window = useWindow();
  const kpis = useQuery(queries.kpis({ window, agent }));
  return (
    <div className={styles.parts}>
      <WindowChoice />
      <Loaded query={kpis} rows={5}>
        {(page) => <KpiTables page={page} />}
      </Loaded>
    </div>
  );
}
