import { applyObjective } from '@signalbox/shared/contracts/registry/apply-objective.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyObjectiveRoute = applyRoute('ApplyObjective', 'objectives', applyObjective, {
  summary: 'Create an objective or replace its manifest',
  description: 'What it asks of a KPI takes the place of what the product promises. `If-Match: "0"`: only if it does not exist yet.',
});
