import Sequencer from '@jest/test-sequencer';

/** Files in the order of their names. */
export default class ByName extends Sequencer {
  sort(tests) {
    return [...tests].sort((one, other) => (one.path < other.path ? -1 : 1));
  }
}
