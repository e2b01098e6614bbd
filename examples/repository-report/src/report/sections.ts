import { layersOf } from '../facts/graph.ts';
import type { Edge } from '../facts/graph.ts';
import type { PackageFacts } from '../facts/package-facts.ts';
import { dependencyChart } from './mermaid.ts';
import { code, count, list, percent, plain, thousands } from './words.ts';

/** Outside dependencies shown in the table. */
const outsideMax = 40;

type Packages = readonly PackageFacts[];

/** The part of the report that is computed, without the words around it. */
export function computedSections(packages: Packages, edges: readonly Edge[]): string {
  return [overview(packages, edges), languages(packages), dependencies(packages, edges), each(packages, edges), outside(packages)]
    .filter(Boolean)
    .join('\n\n');
}

function overview(packages: Packages, edges: readonly Edge[]): string {
  const rows = packages.map((one) => [
    `${code(one.name)}${one.name === one.id ? '' : ` <br> ${plain(one.id)}`}`,
    thousands(one.files),
    thousands(one.lines.code),
    one.tests.files === 0 ? '–' : `${thousands(one.tests.cases)} in ${one.tests.files}`,
    one.exports.total === 0 ? '–' : `${thousands(one.exports.total)} (${percent(one.exports.documented / one.exports.total)})`,
    String(edges.filter((edge) => edge.from === one.id && !edge.isTestOnly).length || '–'),
    String(edges.filter((edge) => edge.to === one.id && !edge.isTestOnly).length || '–'),
  ]);
  const sum = (of: (one: PackageFacts) => number): number => packages.reduce((total, one) => total + of(one), 0);
  const exported = sum((one) => one.exports.total);
  rows.push([
    '**All**',
    `**${thousands(sum((one) => one.files))}**`,
    `**${thousands(sum((one) => one.lines.code))}**`,
    `**${thousands(sum((one) => one.tests.cases))} in ${sum((one) => one.tests.files)}**`,
    exported === 0 ? '–' : `**${thousands(exported)} (${percent(sum((one) => one.exports.documented) / exported)})**`,
    '',
    '',
  ]);
  const head = ['Package', 'Files', 'Lines of code', 'Tests', 'Exports (documented)', 'Uses', 'Used by'];
  return [
    '## Overview',
    '',
    ...tableOf(head, rows, 1),
    '',
    'Lines of code leave out tests, comments and blank lines. Uses and used by count packages of this report.',
  ].join('\n');
}

function languages(packages: Packages): string {
  const sums = new Map<string, { files: number; lines: number }>();
  for (const { languages: found } of packages) {
    for (const { language, files, lines } of found) {
      const sum = sums.get(language) ?? { files: 0, lines: 0 };
      sums.set(language, { files: sum.files + files, lines: sum.lines + lines });
    }
  }
  const total = [...sums.values()].reduce((all, one) => all + one.lines, 0);
  if (total === 0) return '';
  const rows = [...sums]
    .sort(([a, x], [b, y]) => y.lines - x.lines || (a < b ? -1 : 1))
    .map(([language, { files, lines }]) => [language, thousands(files), thousands(lines), percent(lines / total)]);
  return ['## Languages', '', ...tableOf(['Language', 'Files', 'Lines', 'Share'], rows, 1)].join('\n');
}

function dependencies(packages: Packages, edges: readonly Edge[]): string {
  const title = '## How the packages depend on each other';
  if (edges.length === 0) return `${title}\n\nNo package of this report imports another.`;
  const nameOf = new Map(packages.map((one) => [one.id, one.name]));
  const { layers, cyclic } = layersOf(
    packages.map((one) => one.id),
    edges.filter((edge) => !edge.isTestOnly),
  );
  const shown = layers.map((ids, i) => `${i + 1}. ${list(ids.map((id) => code(nameOf.get(id) ?? id)))}`);
  return [
    title,
    '',
    'An arrow points to what is imported; its figure is how many files do so. Dotted: only tests do.',
    '',
    '```mermaid',
    dependencyChart(packages, edges),
    '```',
    '',
    'In layers, each using only what stands above it:',
    '',
    ...shown,
    ...(cyclic.length > 0 ? ['', `In no layer, since they import each other in a circle: ${list(cyclic.map(code))}.`] : []),
  ].join('\n');
}

function each(packages: Packages, edges: readonly Edge[]): string {
  return ['## Package by package', ...packages.map((one) => section(one, packages, edges))].join('\n\n');
}

function section(one: PackageFacts, packages: Packages, edges: readonly Edge[]): string {
  const nameOf = new Map(packages.map(({ id, name }) => [id, name]));
  const uses = edges.filter((edge) => edge.from === one.id).map((edge) => code(nameOf.get(edge.to) ?? edge.to));
  const users = edges.filter((edge) => edge.to === one.id).map((edge) => code(nameOf.get(edge.from) ?? edge.from));
  const { code: lines, comments, tests } = one.lines;
  const facts = [
    `${count(one.files, 'file')}: ${list(one.languages.slice(0, 4).map(({ language, lines: of }) => `${language} ${thousands(of)} lines`))}.`,
    ...(lines > 0 ? [`${thousands(lines)} lines of code, ${thousands(comments)} of comments, ${thousands(tests)} of tests.`] : []),
    ...(one.tests.files > 0 ? [`${count(one.tests.cases, 'test')} in ${count(one.tests.files, 'file')}.`] : []),
    ...(one.exports.total > 0 ? [exportsOf(one)] : []),
    ...(one.commands.length > 0
      ? [`Brings ${one.commands.length === 1 ? 'the command' : 'the commands'} ${list(one.commands.map(code))}.`]
      : []),
    ...(uses.length > 0 ? [`Uses ${list(uses)}.`] : []),
    ...(users.length > 0 ? [`Used by ${list(users)}.`] : []),
    ...outsideOf(one, packages),
    ...(one.documents.files > 0 ? [documentsOf(one)] : []),
    ...(one.largest.length > 0
      ? [`Longest files: ${list(one.largest.slice(0, 3).map(({ file, lines: of }) => `${code(file)} (${thousands(of)})`))}.`]
      : []),
    ...(one.markers.count > 0
      ? [`Left to do: ${list(one.markers.first.map(({ file, line, text }) => `${code(`${file}:${line}`)} ${plain(text)}`))}.`]
      : []),
    ...(one.notRead > 0 ? [`${count(one.notRead, 'file')} not read: pictures, archives, lock files and the like.`] : []),
  ];
  return [`### ${plain(one.name)}`, ...(one.description ? [plain(one.description)] : []), facts.map((fact) => `- ${fact}`).join('\n')].join(
    '\n\n',
  );
}

function exportsOf({ exports }: PackageFacts): string {
  const kinds = Object.entries(exports.kinds).map(([kind, number]) => `${thousands(number)} ${kind}`);
  const missing = exports.undocumented.length > 0 ? `; without a doc comment, for example ${list(exports.undocumented.map(code))}` : '';
  return `${count(exports.total, 'exported name')} (${list(kinds)}), ${percent(exports.documented / exports.total)} documented${missing}.`;
}

function outsideOf(one: PackageFacts, packages: Packages): string[] {
  const own = new Set(packages.map(({ name }) => name));
  const used = one.uses
    .filter(({ name }) => !own.has(name))
    .sort((a, b) => b.files + b.testFiles - (a.files + a.testFiles) || (a.name < b.name ? -1 : 1));
  if (used.length === 0) return [];
  return [
    `Imports from outside: ${list(
      used
        .slice(0, 8)
        .map(({ name }) => code(name))
        .concat(used.length > 8 ? [`${used.length - 8} more`] : []),
    )}.`,
  ];
}

function documentsOf({ documents }: PackageFacts): string {
  const titles = documents.titles.length > 0 ? ` Among them: ${list(documents.titles.slice(0, 6).map(plain))}.` : '';
  return `${count(documents.files, 'document')} with ${thousands(documents.words)} words.${titles}`;
}

function outside(packages: Packages): string {
  const own = new Set(packages.map(({ name }) => name));
  const found = new Map<string, { versions: Set<string>; users: Set<string> }>();
  for (const one of packages) {
    for (const [name, version] of Object.entries(one.dependencies.runtime)) {
      if (own.has(name)) continue;
      const entry = found.get(name) ?? { versions: new Set(), users: new Set() };
      entry.versions.add(version);
      entry.users.add(one.id);
      found.set(name, entry);
    }
  }
  if (found.size === 0) return '';
  const rows = [...found]
    .sort(([a, x], [b, y]) => y.users.size - x.users.size || (a < b ? -1 : 1))
    .map(([name, { versions, users }]) => [
      code(name),
      [...versions].sort().map(plain).join(', '),
      String(users.size),
      list([...users].sort().map(plain), 5),
    ]);
  const more = rows.length > outsideMax ? ['', `And ${rows.length - outsideMax} more.`] : [];
  return [
    '## Runtime dependencies from outside',
    '',
    ...tableOf(['Package', 'Version', 'Used by', 'Where'], rows.slice(0, outsideMax), 2, 3),
    ...more,
  ].join('\n');
}

/** Lines of a Markdown table; the columns from `right` on (before `end`) hold figures. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[], right: number, end = head.length): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i >= right && i < end ? '---:' : '---'))), ...rows.map(line)];
}
