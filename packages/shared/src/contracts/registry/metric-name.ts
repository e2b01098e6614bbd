/** The name of a metric, as `tests.unit.passRate`. */
export const metricPattern = /^[a-z][A-Za-z0-9-]{0,39}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,39}){0,3}$/;

/** `@Matches` of a metric's name, in words. */
export const metricWords = { message: 'must be the name of a metric, as tests.unit.passRate' };

/** Metrics that are measured here alone, which no report can say. */
export const ownMetricPattern = /^(?:evals|counterfactual|live|mirror)\./;

/** Where evidence comes from, as `ci/unit`: of one source the newest counts. */
export const sourcePattern = /^[A-Za-z0-9][A-Za-z0-9 ._:/@#+-]{0,127}$/;

/** `@Matches` of a source, in words. */
export const sourceWords = { message: 'must be a source, as ci/unit: letters, digits and . _ : / @ # + -, at most 128' };
