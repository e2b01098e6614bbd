import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetWorkflowRoute = getRoute('GetWorkflow', 'workflows', getWorkflow, { summary: 'One workflow with its manifest' });
