/** Files in the order of their names, those that measure times (`*.timed.test.ts`) last. */
export default class ByName {
  sort(tests) {
    const place = ({ path }) => [path.includes('.timed.') ? 1 : 0, path];
    return [...tests].sort((one, other) => (place(one) < place(other) ? -1 : 1));
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {
    // the order does not depend on how long they took
  }
}
