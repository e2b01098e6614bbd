import { jsonReader } from './json-report.ts';
import { badReport, finding, findingsMax, type Reading } from './reading.ts';

type Level = 'none' | 'note' | 'warning' | 'error';

interface Rule {
  id?: string;
  defaultConfiguration?: { level?: Level };
  properties?: { 'security-severity'?: string | number };
}

interface Result {
  ruleId?: string;
  ruleIndex?: number;
  kind?: string;
  level?: Level;
  message: { text?: string };
  suppressions?: { status?: string }[];
  properties?: { 'security-severity'?: string | number };
}

interface Sarif {
  runs: {
    tool: { driver: { name: string; rules?: Rule[] }; extensions?: { rules?: Rule[] }[] };
    results?: Result[] | null;
    invocations?: { executionSuccessful: boolean }[];
  }[];
}

const repeat = 'Send the SARIF 2.1.0 file that the scanner wrote, whole.';
const levelSchema = { enum: ['none', 'note', 'warning', 'error'] };
const severitySchema = { type: 'object', properties: { 'security-severity': { type: ['string', 'number'] } } };
const rulesSchema = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      id: { type: 'string' },
      defaultConfiguration: { type: 'object', properties: { level: levelSchema } },
      properties: severitySchema,
    },
  },
};

/** What is read of SARIF 2.1.0. */
const read = jsonReader<Sarif>(
  'SARIF',
  {
    type: 'object',
    properties: {
      version: { const: '2.1.0' },
      runs: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: {
            tool: {
              type: 'object',
              properties: {
                driver: { type: 'object', properties: { name: { type: 'string', minLength: 1 }, rules: rulesSchema }, required: ['name'] },
                extensions: { type: 'array', items: { type: 'object', properties: { rules: rulesSchema } } },
              },
              required: ['driver'],
            },
            results: {
              type: ['array', 'null'],
              items: {
                type: 'object',
                properties: {
                  ruleId: { type: 'string' },
                  ruleIndex: { type: 'integer' },
                  kind: { type: 'string' },
                  level: levelSchema,
                  message: { type: 'object', properties: { text: { type: 'string' } } },
                  suppressions: { type: 'array', items: { type: 'object', properties: { status: { type: 'string' } } } },
                  properties: severitySchema,
                },
                required: ['message'],
              },
            },
            invocations: {
              type: 'array',
              items: { type: 'object', properties: { executionSuccessful: { type: 'boolean' } }, required: ['executionSuccessful'] },
            },
          },
          required: ['tool'],
        },
      },
    },
    required: ['version', 'runs'],
  },
  repeat,
);

type Severity = 'critical' | 'high' | 'medium' | 'low';

/**
 * Findings of a SARIF 2.1.0 file by severity, as `<suite>.critical` and so on. Severity is that of `security-severity` (a CVSS score, as scanners
 * write it); where a rule has none, an error counts as critical, so that no scanner passes for keeping silent. What is suppressed does not count.
 */
export function readSarif(text: string, suite: string): Reading {
  const { runs } = read(text);
  const counts: Record<Severity, number> = { critical: 0, high: 0, medium: 0, low: 0 };
  const findings: string[] = [];
  for (const [index, { tool, results, invocations = [] }] of runs.entries()) {
    if (!results || invocations.some(({ executionSuccessful }) => !executionSuccessful)) {
      throw badReport('SARIF', `the scan in /runs/${index} was not carried out`, 'Repair the scan, and send the report of a whole one.');
    }
    const rules = [tool.driver, ...(tool.extensions ?? [])].flatMap(({ rules: some = [] }) => some);
    const byId = new Map(rules.flatMap((rule) => (rule.id === undefined ? [] : [[rule.id, rule] as const])));
    for (const result of results) {
      const rule = byId.get(result.ruleId ?? '') ?? (result.ruleIndex === undefined ? undefined : tool.driver.rules?.[result.ruleIndex]);
      const severity = severityOf(result, rule);
      if (severity === null) continue;
      counts[severity]++;
      if ((severity === 'critical' || severity === 'high') && findings.length < findingsMax) {
        findings.push(finding(`${severity}: ${result.ruleId ?? rule?.id ?? ''} ${result.message.text ?? ''}`));
      }
    }
  }
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const metrics = Object.fromEntries(Object.entries({ ...counts, findings: all }).map(([name, value]) => [`${suite}.${name}`, value]));
  return { metrics, findings, source: [...new Set(runs.map(({ tool }) => tool.driver.name))].sort().join(' + ') };
}

/** Null where it is no finding. */
function severityOf(result: Result, rule: Rule | undefined): Severity | null {
  const isSuppressed = result.suppressions?.some(({ status = 'accepted' }) => status === 'accepted') ?? false;
  if ((result.kind ?? 'fail') !== 'fail' || isSuppressed) return null;
  const score = Number(result.properties?.['security-severity'] ?? rule?.properties?.['security-severity'] ?? NaN);
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  if (score > 0) return 'low';
  switch (result.level ?? rule?.defaultConfiguration?.level ?? 'warning') {
    case 'error':
      return 'critical';
    case 'warning':
      return 'medium';
    case 'note':
      return 'low';
    case 'none':
      return null;
  }
}
