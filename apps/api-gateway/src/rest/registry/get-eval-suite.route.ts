import { getEvalSuite } from '@signalbox/shared/contracts/registry/get-eval-suite.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetEvalSuiteRoute = getRoute('GetEvalSuite', 'eval-suites', getEvalSuite, { summary: 'One eval suite with its manifest' });
