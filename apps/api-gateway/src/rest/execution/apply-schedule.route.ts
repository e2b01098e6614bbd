import { applySchedule } from '@signalbox/shared/contracts/execution/apply-schedule.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyScheduleRoute = applyRoute('ApplySchedule', 'schedules', applySchedule, {
  summary: 'Create or replace a schedule',
  description: 'The body is the manifest. From then on its runs have the rights of who applied it.',
});
