import type { GateCheck, MetricCheck } from '@signalbox/sdk/client/stages.js';
import type { ReactNode } from 'react';
import { figure, metricLamp } from '../../model/stages.ts';
import { Command } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Moment } from '../../parts/moment.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import styles from './stages.module.css';

const columns: readonly Column<MetricCheck>[] = [
  { id: 'metric', header: 'Metric', width: 'minmax(150px, 1.3fr)', place: 'title', cell: ({ metric }) => <code>{metric}</code> },
  {
    id: 'standing',
    header: 'Standing',
    width: '136px',
    place: 'corner',
    cell: (check) => <LampWord lamp={metricLamp(check)} />,
  },
  {
    id: 'value',
    header: 'Value',
    width: '74px',
    align: 'end',
    cell: ({ value }) => (value === undefined ? null : <span className="num">{figure(value)}</span>),
  },
  { id: 'target', header: 'Target', width: 'minmax(120px, 1.1fr)', cell: ({ target }) => <span className="quiet">{target}</span> },
  {
    id: 'source',
    header: 'From',
    width: 'minmax(60px, 0.5fr)',
    cell: ({ source }) => (source ? <span className="quiet">{source}</span> : null),
  },
  {
    id: 'expires',
    header: 'Expires',
    width: '96px',
    align: 'end',
    cell: ({ expiresAt }) => (expiresAt ? <Moment at={expiresAt} /> : null),
  },
];

/** A gate of a version: each metric with its value against its target, and what is short by how much. */
export function CheckedGate({ gate: { gate, metrics, approvals, evidenceDays } }: { gate: GateCheck }): ReactNode {
  const commands = [...new Set(metrics.flatMap(({ next }) => next ?? []))];
  return (
    <PanelPart title={gate} note={`evidence of the last ${evidenceDays} days`}>
      {metrics.length > 0 && <DataTable label={`Metrics of ${gate}`} columns={columns} rows={metrics} keyOf={({ metric }) => metric} />}
      {approvals && (
        <p className={styles.says}>
          {approvals.says}
          {approvals.given.length > 0 && `: ${approvals.given.map(({ byName }) => byName).join(', ')}`}
        </p>
      )}
      {commands.length > 0 && (
        <div className={styles.commands}>
          {commands.map((command) => (
            <Command key={command} text={`npx ${command}`} />
          ))}
        </div>
      )}
    </PanelPart>
  );
}
