import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Cases of `verify:long` alone: they need a clone of an older version. */
const onlyLong = new Set(['F23']);

/**
 * Prints what became of each case: id, what was tried, what happened. A case that the specification names and no test ran is not passed.
 * The wording of `security.json` and `faults.json` is the specification's own. `SIGNALBOX_CASES_REPORT=FILE` writes the table as Markdown too.
 */
export default class CaseReporter {
  constructor(_, { suite }) {
    const cases = JSON.parse(readFileSync(join(import.meta.dirname, `${suite}.json`), 'utf8'));
    const isLong = process.env.SIGNALBOX_OLD_VERSION !== undefined;
    this.cases = Object.fromEntries(Object.entries(cases).filter(([id]) => isLong || !onlyLong.has(id)));
    this.folder = mkdtempSync(join(tmpdir(), 'signalbox-cases-'));
    this.file = join(this.folder, 'happened.jsonl');
    process.env.SIGNALBOX_CASES_FILE = this.file; // tests run in this process, or in one that gets its environment
  }

  onRunComplete(_, { testResults }) {
    const seen = existsSync(this.file) ? readFileSync(this.file, 'utf8').trim().split('\n').filter(Boolean).map(JSON.parse) : [];
    const sentencesOf = (name) => seen.filter((entry) => entry.name === name).flatMap(({ sentences }) => sentences);
    rmSync(this.folder, { recursive: true, force: true });
    const tests = testResults.flatMap(({ testResults: results }) => results).filter(({ status }) => status !== 'pending');
    this.rows = Object.entries(this.cases).map(([id, wording]) => {
      const parts = tests.filter(({ title }) => title.startsWith(`${id} `));
      const hasPassed = parts.length > 0 && parts.every(({ status }) => status === 'passed');
      const happened = parts.flatMap(({ title, status, duration, failureMessages }) => [
        `${title.slice(id.length + 1)}: ${
          status === 'passed'
            ? `${sentencesOf(title).join('; ') || 'as it should be'} (${duration} ms)`
            : `NOT PASSED: ${firstLine(failureMessages)}`
        }`,
      ]);
      return {
        id,
        wording,
        hasRun: parts.length > 0,
        hasPassed,
        happened: parts.length > 0 ? happened : ['NOT PASSED: no test of this case ran'],
      };
    });
    for (const { id, wording, hasPassed, happened } of process.env.SIGNALBOX_CASES_ALL
      ? this.rows
      : this.rows.filter(({ hasRun }) => hasRun)) {
      console.log(`${hasPassed ? '✓' : '✗'} ${id} ${wording}`);
      for (const sentence of happened) console.log(`      ${sentence}`);
    }
    const passed = this.rows.filter((row) => row.hasPassed).length;
    console.log(`\ncases: ${passed} of ${this.rows.length} passed`);
    const report = process.env.SIGNALBOX_CASES_REPORT;
    if (report) writeFileSync(report, markdown(this.rows));
  }

  /** A run of the whole suite that did not pass every case fails, even when no test failed. */
  getLastError() {
    const missing = (this.rows ?? []).filter(({ hasPassed }) => !hasPassed).map(({ id }) => id);
    if (missing.length > 0 && process.env.SIGNALBOX_CASES_ALL) return new Error(`not passed: ${missing.join(', ')}`);
    return undefined;
  }
}

function firstLine(messages) {
  // eslint-disable-next-line no-control-regex
  return (messages[0] ?? '')
    .replaceAll(/\u001B\[\d+m/g, '')
    .split('\n')
    .slice(0, 3)
    .join(' ')
    .slice(0, 300);
}

function markdown(rows) {
  const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  return [
    '| case | what is tried | what happened | |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({ id, wording, hasPassed, happened }) =>
        `| ${id} | ${cell(wording)} | ${happened.map((text) => cell(text).replaceAll(/[_*<]/g, '\\$&')).join('<br>')} | ${hasPassed ? 'passed' : '**not passed**'} |`,
    ),
    '',
  ].join('\n');
}
