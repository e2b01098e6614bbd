import type { RunAction } from '@signalbox/shared/contracts/execution/run-operation.js';

/** Runs that other runs did not start: a step's own run is done again with the run that it belongs to. */
const top = ' AND parent IS NULL';

const scopes: Record<RunAction, string> = {
  cancel: `status = 'running'`,
  retry: `(status IN ('failed', 'cancelled') OR error_code IS NOT NULL)`,
  fork: `status <> 'running'`,
  dismiss: `(error_code IS NOT NULL AND resolution IS NULL)`,
  upgrade: `status = 'running'`,
  delete: `status <> 'running'`,
};

/** Which of the runs that are meant an action can be done to, as a condition over `run`. `isNamed`: they were named one by one. */
export function scopeOf(action: RunAction, isNamed: boolean): string {
  return scopes[action] + (!isNamed && (action === 'retry' || action === 'fork') ? top : '');
}
