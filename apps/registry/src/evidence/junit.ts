import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { badReport, finding, findingsMax, type Reading } from './reading.ts';

/** No test framework nests deeper. */
const depthMax = 64;
const repeat = 'Send the file that the test framework wrote, whole.';

/**
 * Test cases of a JUnit report, as `tests.<suite>.passRate` (of those that ran) and others. A suite that failed outside of its cases counts as a
 * failed case. A document type is refused: entities come with it.
 */
export function readJunit(text: string, suite: string): Reading {
  const tally = new Tally();
  const parser = new SaxesParser({ xmlns: false } as const);
  const bad = (detail: string): never => {
    throw badReport('JUnit', detail, repeat, { line: parser.line, column: parser.column + 1 });
  };
  const open: string[] = [];
  parser.on('error', (error) => bad(error.message.replace(/^\d+:\d+: /, '')));
  parser.on('doctype', () => bad('a document type is not allowed'));
  parser.on('opentag', (tag) => {
    if (open.length === 0 && tag.name !== 'testsuites' && tag.name !== 'testsuite') {
      bad(`the outermost element is ${tag.name.slice(0, 60)}, not testsuites or testsuite`);
    }
    if (open.length >= depthMax) bad(`elements are nested more than ${depthMax} deep`);
    tally.opened(tag, open);
    open.push(tag.name);
  });
  parser.on('closetag', (tag) => {
    open.pop();
    if (tag.name === 'testcase') tally.caseEnded();
  });
  parser.write(text).close();
  const { failed, skipped, findings } = tally;
  const ran = tally.passed + failed;
  if (ran === 0) throw badReport('JUnit', 'no test in it was run', 'Send a report of tests that ran.');
  const metrics = { total: ran + skipped, passed: tally.passed, failed, skipped, passRate: tally.passed / ran };
  return { metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`tests.${suite}.${name}`, value])), findings };
}

/** Counts while elements come. */
class Tally {
  passed = 0;
  skipped = 0;
  readonly findings: string[] = [];
  private failures = 0;
  /** What the outermost suites say of themselves: some name errors that no element tells. */
  private declared = 0;
  private current: { name: string; outcome: 'passed' | 'failed' | 'skipped' } | null = null;

  get failed(): number {
    return Math.max(this.failures, this.declared);
  }

  opened({ name, attributes }: SaxesTagPlain, open: readonly string[]): void {
    const isOutermost = name === 'testsuite' && !open.includes('testsuite');
    if (isOutermost) this.declared += countOf(attributes['failures']) + countOf(attributes['errors']);
    if (name === 'testcase') {
      this.current = { name: [attributes['classname'], attributes['name']].filter(Boolean).join(' › '), outcome: 'passed' };
    } else if (name === 'failure' || name === 'error') {
      if (this.current !== null) this.current.outcome = 'failed';
      else this.fail(`a suite failed: ${attributes['message'] ?? ''}`);
    } else if (name === 'skipped' && this.current?.outcome === 'passed') this.current.outcome = 'skipped';
  }

  caseEnded(): void {
    if (this.current === null) return;
    const { name, outcome } = this.current;
    this.current = null;
    if (outcome === 'failed') this.fail(`failed: ${name}`);
    else this[outcome]++;
  }

  private fail(text: string): void {
    this.failures++;
    if (this.findings.length < findingsMax) this.findings.push(finding(text));
  }
}

function countOf(attribute: string | undefined): number {
  const count = Number(attribute ?? 0);
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
