import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyDeploymentRoute = applyRoute('ApplyDeployment', 'deployments', applyDeployment, {
  summary: 'Create a deployment or replace its manifest',
  description: 'It starts nothing. Steps that keep their name and source keep their state.',
});
