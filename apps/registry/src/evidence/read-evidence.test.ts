import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import type { ReportFormat } from '@signalbox/shared/contracts/registry/evidence.js';
import { readEvidence, reportBytesMax, type ReadEvidence } from './read-evidence.ts';

function read(format: ReportFormat, content: unknown, more: { suite?: string; source?: string } = {}): ReadEvidence {
  return readEvidence({ format, content: typeof content === 'string' ? content : JSON.stringify(content), ...more });
}

function refusalOf(format: ReportFormat, content: unknown): unknown {
  try {
    return read(format, content);
  } catch (error) {
    return error;
  }
}

describe('a JUnit report', () => {
  const report = `<?xml version="1.0"?>
<testsuites>
  <testsuite name="a"><testcase name="one"/><testcase classname="a" name="two"><failure message="no">stack</failure></testcase></testsuite>
  <testsuite name="b"><testcase name="three"><skipped/></testcase><testcase name="four &amp; five"/></testsuite>
</testsuites>`;

  test('is counted by its test cases, under the name of its suite', () => {
    expect(read('junit', report, { suite: 'integration' })).toMatchObject({
      metrics: {
        'tests.integration.total': 4,
        'tests.integration.passed': 2,
        'tests.integration.failed': 1,
        'tests.integration.skipped': 1,
        'tests.integration.passRate': 2 / 3,
      },
      findings: ['failed: a › two'],
      source: 'integration',
      hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  test('counts a suite that failed outside of its cases, told by an element or only by a number', () => {
    const told = '<testsuite><error message="set-up"/><testcase name="one"/></testsuite>';
    expect(read('junit', told).metrics).toMatchObject({ 'tests.unit.failed': 1, 'tests.unit.passRate': 0.5 });
    const number = '<testsuites><testsuite errors="1" failures="0"><testcase name="one"/></testsuite></testsuites>';
    expect(read('junit', number).metrics).toMatchObject({ 'tests.unit.failed': 1, 'tests.unit.passRate': 0.5 });
  });

  test.each([
    ['that is cut', report.slice(0, 200), 4],
    ['that is something else', '<html/>', 1],
    ['with entities', '<!DOCTYPE a [<!ENTITY b "c">]>\n<testsuite/>', 1],
    ['with an unknown entity', '<testsuite>\n<testcase name="&b;"/></testsuite>', 2],
    ['that nests without end', `<testsuites>${'<testsuite>'.repeat(100_000)}`, 1],
    ['that is no XML', 'hello', 1],
  ])('%s is refused with the line', (_, content, line) => {
    expect(refusalOf('junit', content)).toMatchObject({ code: 'invalid', errors: [{ pointer: '/content', line }] });
  });

  test('in which nothing ran is no evidence', () => {
    expect(refusalOf('junit', '<testsuite><testcase name="a"><skipped/></testcase></testsuite>')).toMatchObject({
      detail: expect.stringContaining('no test in it was run'),
    });
  });
});

describe('an LCOV tracefile', () => {
  test('gives the covered shares, from sums or from lines', () => {
    const record =
      'TN:\nSF:a.js\nDA:1,1\nDA:2,0\nLF:2\nLH:1\nBRF:4\nBRH:3\nFNF:0\nFNH:0\nend_of_record\nSF:b.js\nDA:1,5\nDA:2,5\nend_of_record\n';
    expect(read('lcov', record)).toMatchObject({ metrics: { 'coverage.lines': 0.75, 'coverage.branches': 0.75 }, source: 'lcov' });
    expect(read('lcov', record).metrics).not.toHaveProperty('coverage.functions');
  });

  test.each([
    ['that is cut', 'SF:a.js\nLF:2\nLH:2\n', 3],
    ['that is something else', '{}\n', 1],
    ['with a number that is none', 'SF:a.js\nLF:two\nend_of_record', 2],
  ])('%s is refused with the line', (_, content, line) => {
    expect(refusalOf('lcov', content)).toMatchObject({ code: 'invalid', errors: [{ line }] });
  });

  test('without a line is no evidence', () => {
    expect(refusalOf('lcov', '\n')).toMatchObject({ code: 'invalid' });
  });
});

describe('a SARIF file', () => {
  const sarif = (results: unknown, more: object = {}): object => ({
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Scanner', rules: [{ id: 'sql', properties: { 'security-severity': '9.8' } }, { id: 'style' }] } },
        results,
        ...more,
      },
    ],
  });

  test('is counted by severity; an error without a score is critical, and what is suppressed does not count', () => {
    const message = { text: 'here' };
    const results = [
      { ruleId: 'sql', message },
      { ruleIndex: 0, message, suppressions: [{ kind: 'external' }] },
      { ruleId: 'style', level: 'error', message },
      { ruleId: 'style', message },
      { ruleId: 'style', kind: 'pass', message },
      { ruleId: 'other', level: 'note', message },
    ];
    expect(read('sarif', sarif(results))).toMatchObject({
      metrics: { 'security.critical': 2, 'security.high': 0, 'security.medium': 1, 'security.low': 1, 'security.findings': 4 },
      findings: ['critical: sql here', 'critical: style here'],
      source: 'Scanner',
    });
  });

  test('of a scan that failed, or that has no results, is refused', () => {
    for (const file of [sarif([], { invocations: [{ executionSuccessful: false }] }), sarif(null)]) {
      expect(refusalOf('sarif', file)).toMatchObject({ code: 'invalid', detail: expect.stringContaining('was not carried out') });
    }
    expect(refusalOf('sarif', { version: '1.0.0', runs: [] })).toMatchObject({ detail: expect.stringContaining('/version') });
  });
});

describe('a file of metrics', () => {
  test('is taken as it is; true is 1', () => {
    expect(read('json', { source: 'load/k6', metrics: { 'performance.latencyP95Ms': 120, 'security.toolsPinned': true } })).toMatchObject({
      metrics: { 'performance.latencyP95Ms': 120, 'security.toolsPinned': 1 },
      source: 'load/k6',
    });
  });

  test.each([
    ['no metric', { metrics: {} }],
    ['a text for a number', { metrics: { a: '1' } }],
    ['a name that is none', { metrics: { '__proto__ ': 1 } }],
    ['a number without end', '{"metrics":{"a":1e999}}'],
    ['a field more', { metrics: { a: 1 }, version: 3 }],
  ])('with %s is refused', (_, content) => {
    expect(refusalOf('json', content)).toMatchObject({ code: 'invalid', errors: [{ pointer: '/content' }] });
  });

  test('that is no JSON is refused with the line', () => {
    expect(refusalOf('json', '{\n  "metrics": {,}\n}')).toMatchObject({ code: 'invalid', errors: [{ line: 2 }] });
    expect(refusalOf('json', '{\n')).toMatchObject({ code: 'invalid', errors: [{ line: 2 }] });
  });
});

describe('a compressed report', () => {
  const gzip = (bytes: Buffer | string): string => gzipSync(bytes).toString('base64');

  test('is the same evidence as the report itself', () => {
    const content = '{"metrics":{"a":1}}';
    expect(readEvidence({ format: 'json', encoding: 'gzip', content: gzip(content) })).toEqual(read('json', content));
  });

  test('that unpacks to too much, that is not one, or that is no text is refused', () => {
    const refuse = (content: string): unknown => {
      try {
        return readEvidence({ format: 'json', encoding: 'gzip', content });
      } catch (error) {
        return error;
      }
    };
    expect(refuse(gzip(Buffer.alloc(reportBytesMax + 1)))).toMatchObject({ code: 'invalid', status: 413 });
    expect(refuse('hello')).toMatchObject({ code: 'invalid', detail: expect.stringContaining('gzip') });
    expect(refuse(gzip(Buffer.from([0xff, 0xfe])))).toMatchObject({ code: 'invalid', detail: expect.stringContaining('UTF-8') });
  });
});

test('a suite is for reports that have some', () => {
  expect(() => read('json', { metrics: { a: 1 } }, { suite: 'unit' })).toThrow('is for JUnit and SARIF reports');
});
