import { applyGate } from '@signalbox/shared/contracts/registry/apply-gate.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyGateRoute = applyRoute('ApplyGate', 'gates', applyGate, {
  summary: 'Create a gate or replace its manifest',
  description: 'One named like a built-in gate takes its place. `If-Match: "0"`: only if it does not exist yet.',
});
