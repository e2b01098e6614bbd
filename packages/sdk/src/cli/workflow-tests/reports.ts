import type { Difference } from '@signalbox/workflow/language/diff.js';
import { briefJson } from '../text/clean.ts';
import { count, duration } from '../text/figures.ts';
import { bold, dim, green, line, red, yellow } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import type { CaseResult } from './run-suites.ts';

/** Of one expectation this many differences are shown. */
const differencesMax = 12;

/** One case for people: its sentence, and where it fails each place with what differs. */
export function caseLines({ name, tookMs, isGoldenWritten, failing }: CaseResult): Styled[] {
  const took = tookMs === null || tookMs === 0 ? '' : `  ${duration(tookMs)}`;
  if (failing.length === 0) return [line`  ${green('✔')} ${name}${dim(took)}${isGoldenWritten ? yellow('  golden run written') : ''}`];
  return [
    line`  ${red('✖')} ${bold(name)}${dim(took)}`,
    ...failing.flatMap(({ file, line: at, column, message, differences = [] }) => [
      line`      ${bold(`${file}:${at}:${column}`)}: ${message}`,
      ...differences.slice(0, differencesMax).flatMap(differenceLines),
      ...(differences.length > differencesMax
        ? [dim(`          and ${count(differences.length - differencesMax, 'more difference')}`)]
        : []),
    ]),
  ];
}

function differenceLines({ path, from, to }: Difference): Styled[] {
  const at = path === '' ? '' : `${path}: `;
  return [
    ...(from === undefined ? [] : [line`        ${red('-')} ${at}${short(from)}`]),
    ...(to === undefined ? [] : [line`        ${green('+')} ${at}${short(to)}`]),
  ];
}

function short(value: unknown): string {
  return briefJson(value, 160);
}

/** JUnit's XML, as build servers read it. */
export function junit(results: readonly CaseResult[]): string {
  const files = Map.groupBy(results, ({ file }) => file);
  const failures = results.filter(({ failing }) => failing.length > 0).length;
  const suites = [...files].map(([file, cases]) => {
    const failed = cases.filter(({ failing }) => failing.length > 0).length;
    return `  <testsuite name="${xml(file)}" tests="${cases.length}" failures="${failed}">\n${cases.map(junitCase).join('')}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="${results.length}" failures="${failures}">\n${suites.join('')}</testsuites>\n`;
}

function junitCase({ file, name, realMs, failing }: CaseResult): string {
  const head = `    <testcase classname="${xml(file)}" name="${xml(name)}" time="${(realMs / 1_000).toFixed(3)}"`;
  const [first] = failing;
  if (first === undefined) return `${head}/>\n`;
  const text = failing
    .flatMap(({ file: at, line: row, column, message, differences = [] }) => [
      `${at}:${row}:${column}: ${message}`,
      ...differences.slice(0, differencesMax).map(({ path, from, to }) => `  ${path}: ${short(from ?? null)} -> ${short(to ?? null)}`),
    ])
    .join('\n');
  return `${head}>\n      <failure message="${xml(first.message)}">${xml(text)}</failure>\n    </testcase>\n`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

function xml(text: string): string {
  // XML 1.0 has no place for control characters, not even escaped.
  const allowed = [...text].filter((character) => character >= ' ' || character === '\n' || character === '\t').join('');
  return allowed.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
