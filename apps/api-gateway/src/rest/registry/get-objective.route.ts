import { getObjective } from '@signalbox/shared/contracts/registry/get-objective.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetObjectiveRoute = getRoute('GetObjective', 'objectives', getObjective, { summary: 'One objective with its manifest' });
