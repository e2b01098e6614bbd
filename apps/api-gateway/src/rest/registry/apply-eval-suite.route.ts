import { applyEvalSuite } from '@signalbox/shared/contracts/registry/apply-eval-suite.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyEvalSuiteRoute = applyRoute('ApplyEvalSuite', 'eval-suites', applyEvalSuite, {
  summary: 'Create an eval suite or make its next version',
  description: 'Evals that were made keep the version that they were made with. `If-Match: "0"`: only if it does not exist yet.',
});
