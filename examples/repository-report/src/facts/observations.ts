import { count, list, percent, thousands } from '../report/words.ts';
import { cycleOf, edgesOf, layersOf } from './graph.ts';
import type { Edge } from './graph.ts';
import type { PackageFacts } from './package-facts.ts';

/** One thing that stands out, said in a sentence with its figures. `attention`: somebody may want to act on it. */
export interface Observation {
  weight: 'attention' | 'note';
  text: string;
}

/** Longer source files are hard to hold in one's head. */
const longFileLines = 400;
/** Names in one sentence. */
const namesMax = 4;

/** What stands out in the facts, each computed, in a fixed order. */
export function observe(packages: readonly PackageFacts[]): Observation[] {
  const edges = edgesOf(packages);
  const rules = [size, center, order, tests, documentation, markers, longFiles, undeclared, unused, versions, reaches, links];
  return rules.flatMap((rule) => rule(packages, edges));
}

type Rule = (packages: readonly PackageFacts[], edges: readonly Edge[]) => Observation[];

const note = (text: string): Observation => ({ weight: 'note', text });
const attention = (text: string): Observation => ({ weight: 'attention', text });

const size: Rule = (packages) => {
  const total = sum(packages, (one) => one.lines.code);
  const largest = [...packages].sort((a, b) => b.lines.code - a.lines.code)[0];
  if (!largest || total === 0 || packages.length < 2) return [];
  const share = largest.lines.code / total;
  return [
    note(`${largest.name} is the largest part: ${thousands(largest.lines.code)} of ${thousands(total)} lines of code (${percent(share)}).`),
  ];
};

const center: Rule = (packages, edges) => {
  const users = packages.map(({ id, name }) => ({ name, users: edges.filter((edge) => edge.to === id && !edge.isTestOnly).length }));
  const [first] = users.sort((a, b) => b.users - a.users || (a.name < b.name ? -1 : 1));
  if (!first || first.users < 2) return [];
  const others = packages.length - 1;
  return [
    note(`Most stands on ${first.name}: ${first.users} of the ${others} other packages import it, so a change there reaches furthest.`),
  ];
};

const order: Rule = (packages, edges) => {
  const hard = edges.filter((edge) => !edge.isTestOnly);
  const ids = packages.map((one) => one.id);
  const cycle = cycleOf(ids, hard);
  if (cycle.length > 0) return [attention(`Packages import each other in a circle: ${[...cycle, cycle[0]].join(' → ')}.`)];
  if (hard.length === 0) return [];
  const { layers } = layersOf(ids, hard);
  return [
    note(
      `No packages import each other in a circle; they form ${count(layers.length, 'layer')} over ${count(hard.length, 'dependency', 'dependencies')}.`,
    ),
  ];
};

const tests: Rule = (packages) => {
  const withCode = packages.filter((one) => one.lines.code > 0);
  const without = withCode.filter((one) => one.tests.files === 0);
  const code = sum(packages, (one) => one.lines.code);
  const inTests = sum(packages, (one) => one.lines.tests);
  if (code === 0) return [];
  const cases = sum(packages, (one) => one.tests.cases);
  const found = [
    note(
      `${thousands(cases)} tests in ${count(
        sum(packages, (one) => one.tests.files),
        'file',
      )}: ${(inTests / code).toFixed(2)} lines of test for each line of code.`,
    ),
  ];
  if (without.length > 0)
    found.push(
      attention(
        `${names(without)} ${without.length === 1 ? 'has' : 'have'} code but no tests of ${without.length === 1 ? 'its' : 'their'} own.`,
      ),
    );
  return found;
};

const documentation: Rule = (packages) => {
  const total = sum(packages, (one) => one.exports.total);
  if (total === 0) return [];
  const documented = sum(packages, (one) => one.exports.documented);
  const poor = packages
    .filter((one) => one.exports.total >= 5 && one.exports.documented / one.exports.total < 0.5)
    .sort((a, b) => a.exports.documented / a.exports.total - b.exports.documented / b.exports.total);
  const found = [note(`${percent(documented / total)} of ${thousands(total)} exported names have a doc comment.`)];
  if (poor.length > 0)
    found.push(attention(`Less than half of what ${names(poor)} ${poor.length === 1 ? 'exports' : 'export'} is documented.`));
  return found;
};

const markers: Rule = (packages) => {
  const total = sum(packages, (one) => one.markers.count);
  if (total === 0) return [note('No comment says that something is left to do.')];
  const where = packages.filter((one) => one.markers.count > 0).sort((a, b) => b.markers.count - a.markers.count);
  return [attention(`${count(total, 'comment')} ${total === 1 ? 'says' : 'say'} that something is left to do, most in ${names(where)}.`)];
};

const longFiles: Rule = (packages) => {
  const long = packages.flatMap((one) =>
    one.largest.filter((file) => file.lines > longFileLines).map((file) => ({ ...file, path: `${one.id}/${file.file}` })),
  );
  if (long.length === 0) return [];
  const [first] = long.sort((a, b) => b.lines - a.lines || (a.path < b.path ? -1 : 1));
  return [
    attention(
      `${count(long.length, 'file')} ${long.length === 1 ? 'has' : 'have'} more than ${longFileLines} lines; the longest is ${first?.path} with ${thousands(first?.lines ?? 0)}.`,
    ),
  ];
};

const undeclared: Rule = (packages) => {
  const missing = packages
    .filter((one) => one.hasManifest)
    .flatMap((one) => {
      const declared = new Set([...Object.keys(one.dependencies.runtime), ...Object.keys(one.dependencies.development)]);
      return one.uses
        .filter((use) => use.files > 0 && !declared.has(use.name) && !declared.has(`@types/${use.name}`))
        .map((use) => `${use.name} (in ${one.name})`);
    });
  return missing.length === 0 ? [] : [attention(`Imported, but not declared in the package’s own manifest: ${list(missing, namesMax)}.`)];
};

const unused: Rule = (packages) => {
  const idle = packages.flatMap((one) => {
    const used = new Set(one.uses.map((use) => use.name));
    const runtime = Object.keys(one.dependencies.runtime).filter((name) => !name.startsWith('@types/'));
    return one.lines.code === 0 ? [] : runtime.filter((name) => !used.has(name)).map((name) => `${name} (in ${one.name})`);
  });
  return idle.length === 0
    ? []
    : [
        note(
          `Declared for runtime, but imported by no file: ${list(idle.sort(), namesMax)}. They may be run as programs or loaded by name.`,
        ),
      ];
};

const versions: Rule = (packages) => {
  const wanted = new Map<string, Set<string>>();
  for (const { dependencies } of packages) {
    for (const [name, version] of Object.entries({ ...dependencies.development, ...dependencies.runtime })) {
      wanted.set(name, (wanted.get(name) ?? new Set()).add(version));
    }
  }
  const apart = [...wanted].filter(([, set]) => set.size > 1).map(([name, set]) => `${name} (${[...set].sort().join(', ')})`);
  return apart.length === 0
    ? []
    : [attention(`Packages ask for different versions of the same dependency: ${list(apart.sort(), namesMax)}.`)];
};

const reaches: Rule = (packages) => {
  const all = packages.flatMap((one) => one.reaches);
  return all.length === 0 ? [] : [note(`Files that import beyond their own package by a relative path: ${list(all.sort(), namesMax)}.`)];
};

const links: Rule = (packages) => {
  const broken = packages.flatMap((one) => one.documents.brokenLinks.map((link) => `${one.id}/${link}`));
  return broken.length === 0 ? [] : [attention(`Links in documents that lead to no file: ${list(broken.sort(), namesMax)}.`)];
};

function names(packages: readonly PackageFacts[]): string {
  return list(
    packages.map((one) => one.name),
    namesMax,
  );
}

function sum(packages: readonly PackageFacts[], of: (one: PackageFacts) => number): number {
  return packages.reduce((total, one) => total + of(one), 0);
}
