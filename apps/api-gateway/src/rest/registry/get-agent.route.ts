import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetAgentRoute = getRoute('GetAgent', 'agents', getAgent, { summary: 'One agent with its manifest' });
