import type { GateManifest } from '../manifests/manifest.ts';

function builtIn(name: string, description: string, spec: GateManifest['spec']): GateManifest {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Gate', metadata: { name, description }, spec };
}

/** Gates of every workspace, unless one of that name was applied or another replaces it. */
export const builtInGates: readonly GateManifest[] = [
  builtIn('unit-tests', 'All unit tests pass.', {
    stages: ['integration'],
    metrics: [{ metric: 'tests.unit.passRate', min: 1 }],
  }),
  builtIn('integration-tests', 'Of the integration tests, 95 % pass.', {
    stages: ['staging'],
    metrics: [{ metric: 'tests.integration.passRate', min: 0.95 }],
  }),
  builtIn('performance', 'It is about as fast and as reliable as the version that it follows.', {
    stages: ['production', 'full-access'],
    metrics: [
      { metric: 'performance.latencyP95Ms', maxRise: 0.1 },
      // A share of almost no errors is less than chance makes of it.
      { metric: 'performance.errorRate', maxRise: 0.1, slack: 0.005 },
      { metric: 'performance.throughputPerSecond', maxFall: 0.1 },
    ],
  }),
  builtIn('security-audit', 'No critical finding; policies are present and tools pinned.', {
    stages: ['production', 'full-access'],
    metrics: [
      { metric: 'security.critical', max: 0 },
      { metric: 'security.policiesPresent', min: 1 },
      { metric: 'security.toolsPinned', min: 1 },
    ],
  }),
];
