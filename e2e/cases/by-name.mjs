/**
 * Files in the order of their names. Two of them go on beside each other: what is measured in the first, `crashes`, is measured while the second,
 * `outages`, mostly waits.
 */
export default class ByName {
  sort(tests) {
    return [...tests].sort((one, other) => (one.path < other.path ? -1 : 1));
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {
    // the order does not depend on how long they took
  }
}
