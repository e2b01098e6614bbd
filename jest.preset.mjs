import { basename, join } from 'node:path';

// Tests speak by their assertions; LOG_LEVEL=info shows what the services say.
process.env['LOG_LEVEL'] ??= 'silent';

/** A folder to gather coverage in; `npm run coverage` adds it up. */
const coverage = process.env['SIGNALBOX_COVERAGE'];

/** Only files that failed the last time, in packages that did not pass: what was gathered of the others stays. */
const isOnlyFailed = process.env['SIGNALBOX_ONLY_FAILED'] !== undefined;

/** The one Jest configuration: each workspace's `jest.config.mjs` re-exports it. Run by `node --experimental-vm-modules`. */
export default {
  testMatch: ['<rootDir>/{src,test}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  coverageProvider: 'v8',
  ...(isOnlyFailed && { onlyFailures: true }),
  ...(coverage &&
    !isOnlyFailed && {
      collectCoverage: true,
      collectCoverageFrom: ['src/**/*.ts', '!src/**/*.test.ts'],
      coverageReporters: ['json'],
      coverageDirectory: join(import.meta.dirname, coverage, 'jest', basename(process.cwd())),
    }),
  testTimeout: 30_000,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        module: { type: 'es6' },
        sourceMaps: 'inline',
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
      },
    ],
  },
};
