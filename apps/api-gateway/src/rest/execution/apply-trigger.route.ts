import { applyTrigger } from '@signalbox/shared/contracts/execution/apply-trigger.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyTriggerRoute = applyRoute('ApplyTrigger', 'triggers', applyTrigger, {
  summary: 'Create or replace a trigger',
  description: 'The body is the manifest. From then on its runs have the rights of who applied it.',
});
