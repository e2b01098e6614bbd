import preset from '../../jest.preset.mjs';

/** The longest of all suites, which mostly waits: three files at once. */
export default { ...preset, maxWorkers: 3 };
