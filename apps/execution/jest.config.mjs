import preset from '../../jest.preset.mjs';

/** The longest of all suites, which mostly waits: two files at once. */
export default { ...preset, maxWorkers: 2 };
