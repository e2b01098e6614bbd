import { getSchedule } from '@signalbox/shared/contracts/execution/get-schedule.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetScheduleRoute = getRoute('GetSchedule', 'schedules', getSchedule, { summary: 'One schedule with its manifest' });
