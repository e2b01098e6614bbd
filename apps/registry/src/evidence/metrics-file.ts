import { metricPattern, ownMetricPattern, sourcePattern } from '@signalbox/shared/contracts/registry/metric-name.js';
import { jsonReader } from './json-report.ts';
import { badReport, finding, findingsMax, type Reading } from './reading.ts';

interface MetricsFile {
  source?: string;
  metrics: Record<string, number | boolean>;
  findings?: string[];
}

const read = jsonReader<MetricsFile>(
  'JSON',
  {
    type: 'object',
    properties: {
      source: { type: 'string', pattern: sourcePattern.source },
      metrics: {
        type: 'object',
        minProperties: 1,
        maxProperties: 100,
        propertyNames: { pattern: metricPattern.source },
        additionalProperties: { type: ['number', 'boolean'] },
      },
      findings: { type: 'array', maxItems: 1_000, items: { type: 'string', maxLength: 4_096 } },
    },
    required: ['metrics'],
    additionalProperties: false,
  },
  'Send { "metrics": { "performance.latencyP95Ms": 120 } }: names of metrics, each with a number, or true or false.',
);

/** Metrics as they are; true is 1 and false is 0. */
export function readMetricsFile(text: string): Reading {
  const { metrics, findings = [], source } = read(text);
  const own = Object.keys(metrics).find((name) => ownMetricPattern.test(name));
  if (own !== undefined)
    throw badReport(
      'JSON',
      `${own} is measured by Signalbox itself`,
      own.startsWith('mirror.') ? 'Have calls mirrored: signalbox rollouts start.' : 'Have it measured: signalbox evals run.',
    );
  return {
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value)])),
    findings: findings.slice(0, findingsMax).map(finding),
    ...(source !== undefined && { source }),
  };
}
