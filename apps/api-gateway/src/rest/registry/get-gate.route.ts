import { getGate } from '@signalbox/shared/contracts/registry/get-gate.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetGateRoute = getRoute('GetGate', 'gates', getGate, { summary: 'One gate with its manifest' });
