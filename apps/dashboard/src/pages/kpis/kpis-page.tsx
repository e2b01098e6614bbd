import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { kpisSentence } from '../../model/kpis.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { KpiTables, useWindow, WindowChoice } from './kpi-tables.tsx';

/** What is measured all the time, against what is promised. */
export default function KpisPage(): ReactNode {
  const window = useWindow();
  const kpis = useQuery(queries.kpis({ window }));
  return (
    <Page title="KPIs" sentence={kpis.data && kpisSentence(kpis.data.data, window)} actions={<WindowChoice />}>
      <Loaded query={kpis} rows={10}>
        {(page) => <KpiTables page={page} />}
      </Loaded>
    </Page>
  );
}
