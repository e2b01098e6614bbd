import preset from '../jest.preset.mjs';

/** The whole stack from the outside; one file at a time, since each starts all of it. */
export default { ...preset, testMatch: ['<rootDir>/**/*.test.ts'], testTimeout: 180_000, collectCoverage: false };
