import type { Kpi, KpiPage, KpiWindow } from '@signalbox/sdk/client/kpis.js';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { budgetText, burnText, kpiFigure, kpiLamp, kpiWords, targetText, windowOf, windows } from '../../model/kpis.ts';
import { formatCount } from '../../model/text.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { useSelection } from '../../routing/selection.ts';
import { KpiLine } from './kpi-line.tsx';
import styles from './kpis.module.css';

/** The window that the address names. */
export function useWindow(): KpiWindow {
  const [search] = useSearchParams();
  return windowOf(search.get('window'));
}

export function WindowChoice(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const choose = (window: string): void => {
    const next = new URLSearchParams(search);
    next.set('window', window);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  return (
    <label className={styles.choice}>
      Window
      <select value={windowOf(search.get('window'))} onChange={(event) => choose(event.target.value)}>
        {Object.entries(windows).map(([id, words]) => (
          <option key={id} value={id}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Each KPI against its target, and the one that is chosen over time. */
export function KpiTables({ page }: { page: KpiPage }): ReactNode {
  const { selected, hrefOf } = useSelection('kpi');
  const { data } = page;
  if (data.every(({ count }) => count === 0)) {
    return (
      <Panel>
        <Empty title="Nothing was measured in this time.">
          Requests, tasks of agents and what recovery does are measured by themselves: run a workflow, or choose a longer window.
        </Empty>
      </Panel>
    );
  }
  const shown = data.find(({ name }) => name === selected) ?? data.find(({ count }) => count > 0)!;
  return (
    <div className={styles.parts}>
      <Panel flush>
        <DataTable
          label="KPIs against their targets"
          columns={columns}
          rows={data}
          keyOf={({ name }) => name}
          hrefOf={({ name }) => hrefOf(name)}
          replace
          isSelected={({ name }) => name === shown.name}
        />
      </Panel>
      <OverTime kpi={shown} />
    </div>
  );
}

const columns: readonly Column<Kpi>[] = [
  {
    id: 'kpi',
    header: 'KPI',
    width: 'minmax(150px, 1.4fr)',
    place: 'title',
    cell: ({ name }) => <span title={kpiWords[name].says}>{kpiWords[name].title}</span>,
  },
  { id: 'standing', header: 'Standing', width: '128px', place: 'corner', cell: (kpi) => <LampWord lamp={kpiLamp(kpi)} /> },
  {
    id: 'value',
    header: 'Value',
    width: '84px',
    align: 'end',
    cell: ({ value, unit }) => <span className="num">{kpiFigure(value, unit)}</span>,
  },
  {
    id: 'p50',
    header: 'p50',
    width: '72px',
    align: 'end',
    // What has none takes no line of a card.
    cell: ({ p50, unit }) => p50 !== null && <span className="num">{kpiFigure(p50, unit)}</span>,
  },
  {
    id: 'p99',
    header: 'p99',
    width: '72px',
    align: 'end',
    cell: ({ p99, unit }) => p99 !== null && <span className="num">{kpiFigure(p99, unit)}</span>,
  },
  { id: 'target', header: 'Target', width: 'minmax(96px, 0.8fr)', cell: (kpi) => <span className="quiet">{targetText(kpi)}</span> },
  { id: 'budget', header: 'Budget left', width: 'minmax(90px, 0.7fr)', cell: (kpi) => budgetText(kpi) },
  { id: 'burn', header: 'Burns', width: 'minmax(96px, 0.7fr)', cell: (kpi) => <span className="quiet">{burnText(kpi)}</span> },
  { id: 'course', header: 'Course', width: 'minmax(80px, 1fr)', place: 'hidden', cell: (kpi) => <KpiLine kpi={kpi} /> },
];

function OverTime({ kpi }: { kpi: Kpi }): ReactNode {
  const { name, unit, objective, burn } = kpi;
  const { title, says } = kpiWords[name];
  const measured = kpi.points.filter(({ count }) => count > 0).toReversed();
  return (
    <Panel title={title} note={objective === null ? targetText(kpi) : `${targetText(kpi)}, by the objective ${objective}`} flush>
      <PanelPart>
        <p className="quiet">{says}</p>
        {measured.length > 0 && <KpiLine kpi={kpi} large />}
      </PanelPart>
      {burn.length > 0 && (
        <PanelPart title="Error budget" note="1 uses it up in 30 days">
          <DataTable label={`Burn rates of ${title}`} columns={burnColumns} rows={burn} keyOf={({ long }) => long} />
        </PanelPart>
      )}
      <PanelPart title="Over time">
        <DataTable
          label={`${title} over time`}
          columns={[
            { id: 'at', header: 'From', width: 'minmax(120px, 1fr)', place: 'title', cell: ({ at }) => <Moment at={at} /> },
            {
              id: 'value',
              header: 'Value',
              width: 'minmax(90px, 0.6fr)',
              align: 'end',
              sortBy: ({ value }) => value,
              cell: ({ value }) => <span className="num">{kpiFigure(value, unit)}</span>,
            },
            {
              id: 'count',
              header: 'Measured',
              width: 'minmax(90px, 0.6fr)',
              align: 'end',
              sortBy: ({ count }) => count,
              cell: ({ count }) => <span className="num">{formatCount(count)}</span>,
            },
          ]}
          rows={measured}
          keyOf={({ at }) => at}
          empty={<Empty title="Nothing was measured in this time." />}
        />
      </PanelPart>
    </Panel>
  );
}

const burnColumns: readonly Column<Kpi['burn'][number]>[] = [
  {
    id: 'windows',
    header: 'Windows',
    width: 'minmax(110px, 1fr)',
    place: 'title',
    cell: ({ long, short }) => `${long} and ${short}`,
  },
  {
    id: 'rates',
    header: 'Burn rates',
    width: 'minmax(110px, 1fr)',
    align: 'end',
    cell: ({ longRate, shortRate }) => (
      <span className="num">
        {Number(longRate.toPrecision(3))} and {Number(shortRate.toPrecision(3))}
      </span>
    ),
  },
  {
    id: 'threshold',
    header: 'Too fast from',
    width: 'minmax(100px, 0.7fr)',
    align: 'end',
    cell: ({ threshold }) => <span className="num">{threshold}</span>,
  },
  {
    id: 'burning',
    header: 'Standing',
    width: '128px',
    place: 'corner',
    cell: ({ burning }) => (burning ? <strong>burns too fast</strong> : <span className="quiet">within</span>),
  },
];
