import { getDeployment } from '@signalbox/shared/contracts/registry/get-deployment.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetDeploymentRoute = getRoute('GetDeployment', 'deployments', getDeployment, {
  summary: 'One deployment with its manifest and every step',
});
