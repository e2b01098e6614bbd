import { getTrigger } from '@signalbox/shared/contracts/execution/get-trigger.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetTriggerRoute = getRoute('GetTrigger', 'triggers', getTrigger, { summary: 'One trigger with its manifest' });
