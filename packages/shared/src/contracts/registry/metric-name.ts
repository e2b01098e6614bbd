/** The name of a metric, as `tests.unit.passRate`. */
export const metricPattern = /^[a-z][A-Za-z0-9-]{0,39}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,39}){0,3}$/;

/** Where evidence comes from, as `ci/unit`: of one source the newest counts. */
export const sourcePattern = /^[A-Za-z0-9][A-Za-z0-9 ._:/@#+-]{0,127}$/;
