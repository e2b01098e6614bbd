import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyAgentRoute = applyRoute('ApplyAgent', 'agents', applyAgent, {
  summary: 'Create an agent or replace its manifest',
  description:
    'The same manifest again changes nothing. `If-Match: "0"`: only if it does not exist yet. A command for the local runner is for administrators.',
});
