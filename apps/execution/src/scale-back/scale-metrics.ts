import type { ScaledRow } from './scale-back.store.ts';

/** Which workflows are scaled back, of those that this replica looks after, in the Prometheus text format. */
export function scaleMetrics(rows: readonly Pick<ScaledRow, 'workspace' | 'name' | 'scaled_how'>[]): string {
  if (rows.length === 0) return '';
  return [
    '# HELP signalbox_workflow_scaled_back Whether new runs of a workflow get its smaller one.',
    '# TYPE signalbox_workflow_scaled_back gauge',
    ...rows.map(
      ({ workspace, name, scaled_how: how }) =>
        `signalbox_workflow_scaled_back{workspace="${workspace}",workflow="${name}"} ${how === null ? 0 : 1}`,
    ),
    '',
  ].join('\n');
}
