import preset from '../../jest.preset.mjs';

/** A long suite that mostly waits: two files at once. */
export default { ...preset, maxWorkers: 2 };
