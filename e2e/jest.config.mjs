import { join } from 'node:path';
import preset from '../jest.preset.mjs';

/** `security` or `faults`: the cases of that suite, with a table at the end; `drill`: the drill; else all that is none of these. */
const suite = process.env['SIGNALBOX_CASES'];
const noModules = '/node_modules/';
/** Needs a clone of an older version, which is there in `verify:long` alone. */
const noOldVersion = process.env['SIGNALBOX_OLD_VERSION'] ? [] : ['<rootDir>/faults/upgrade'];

/** The whole stack from the outside. */
export default {
  ...preset,
  testMatch: ['<rootDir>/**/*.test.ts'],
  testPathIgnorePatterns: suite
    ? [noModules, ...noOldVersion]
    : [noModules, '<rootDir>/security/', '<rootDir>/faults/', '<rootDir>/drill/'],
  testTimeout: 180_000,
  collectCoverage: false,
  ...(suite && {
    testMatch: [`<rootDir>/${suite}/**/*.test.ts`],
  }),
  ...(suite &&
    suite !== 'drill' && {
      testSequencer: join(import.meta.dirname, 'cases', 'by-name.mjs'),
      reporters: ['default', [join(import.meta.dirname, 'cases', 'reporter.mjs'), { suite }]],
    }),
};
