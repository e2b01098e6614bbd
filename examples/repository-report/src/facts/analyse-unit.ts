import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import type { SourceFile } from '../read/library.ts';
import type { Unit } from '../read/plan.ts';
import { countLines, isCode, isScript, isTestFile, languageOf } from '../scan/languages.ts';
import { scanDocument } from '../scan/scan-document.ts';
import { scanScript } from '../scan/scan-script.ts';
import type { Export } from '../scan/scan-script.ts';
import type { PackageFacts } from './package-facts.ts';

/** Lists in the facts are cut here: they are examples, the counts are whole. */
const examplesMax = 5;

interface Manifest {
  name?: string;
  description?: string;
  bin?: string | Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/**
 * Computes the facts of a unit from its files. Pure: the same files give the same facts, in whatever order they come.
 *
 * @param paths all files of the unit, read or not
 */
export function analyseUnit(unit: Unit, paths: readonly string[], read: readonly SourceFile[]): PackageFacts {
  const files = [...read].sort((a, b) => (a.path < b.path ? -1 : 1));
  const inUnit = (path: string): string => path.slice(unit.root.length + 1);
  const manifest = manifestOf(files.find((file) => file.path === `${unit.root}/package.json`)?.text);
  const languages = new Map<string, { files: number; lines: number }>();
  const lines = { code: 0, comments: 0, blank: 0, tests: 0 };
  const sizes: { file: string; lines: number }[] = [];
  const tests = { files: 0, cases: 0 };
  const exported: Export[] = [];
  const uses = new Map<string, { files: number; testFiles: number }>();
  const reaches = new Set<string>();
  const markers: { file: string; line: number; text: string }[] = [];
  const documents = { files: 0, words: 0, brokenLinks: [] as string[], titles: [] as string[] };
  const known = new Set(paths);

  for (const { path, text } of files) {
    const file = inUnit(path);
    const language = languageOf(path);
    const isTest = isTestFile(path);
    const scan = isScript(path) ? scanScript(text, isTest) : null;
    const counted = scan ?? countLines(text, language);
    const total = counted.code + counted.comments + counted.blank;
    const sum = languages.get(language) ?? { files: 0, lines: 0 };
    languages.set(language, { files: sum.files + 1, lines: sum.lines + total });
    if (isCode(language)) {
      if (isTest) lines.tests += counted.code;
      else lines.code += counted.code;
      lines.comments += counted.comments;
      lines.blank += counted.blank;
      sizes.push({ file, lines: total });
    }
    if (isTest) {
      tests.files++;
      tests.cases += scan?.testCases ?? 0;
    }
    if (scan) {
      if (!isTest) exported.push(...scan.exports);
      markers.push(...scan.markers.map((marker) => ({ file, ...marker })));
      for (const name of new Set(scan.imports.flatMap(bareName))) {
        const use = uses.get(name) ?? { files: 0, testFiles: 0 };
        uses.set(name, isTest ? { ...use, testFiles: use.testFiles + 1 } : { ...use, files: use.files + 1 });
      }
      for (const specifier of scan.imports) {
        const target = outsideTarget(specifier, path, unit.root);
        if (target !== null) reaches.add(`${unit.id}/${file} → ${target}`);
      }
    }
    if (language === 'Markdown') {
      const { title, words, links } = scanDocument(text);
      documents.files++;
      documents.words += words;
      if (title !== null) documents.titles.push(title);
      documents.brokenLinks.push(...links.filter((link) => isBroken(link, path, unit, known)).map((link) => `${file} → ${link}`));
    }
  }
  uses.delete(manifest.name ?? '');
  return {
    id: unit.id,
    folder: unit.folder,
    name: manifest.name ?? unit.id,
    description: manifest.description ?? null,
    hasManifest: unit.hasManifest,
    files: paths.length,
    lines,
    languages: [...languages]
      .map(([language, sum]) => ({ language, ...sum }))
      .sort((a, b) => b.lines - a.lines || (a.language < b.language ? -1 : 1)),
    tests,
    exports: exportFacts(exported),
    uses: [...uses].map(([name, use]) => ({ name, ...use })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    reaches: [...reaches].sort().slice(0, examplesMax),
    dependencies: { runtime: { ...manifest.dependencies, ...manifest.peerDependencies }, development: manifest.devDependencies ?? {} },
    markers: { count: markers.length, first: markers.slice(0, examplesMax) },
    largest: sizes.sort((a, b) => b.lines - a.lines || (a.file < b.file ? -1 : 1)).slice(0, examplesMax),
    documents: { ...documents, brokenLinks: documents.brokenLinks.slice(0, examplesMax), titles: documents.titles.slice(0, 12) },
    commands: commandsOf(manifest),
    notRead: paths.length - files.length,
  };
}

function manifestOf(text: string | undefined): Manifest {
  if (text === undefined) return {};
  try {
    const manifest: unknown = JSON.parse(text);
    return manifest !== null && typeof manifest === 'object' ? manifest : {};
  } catch {
    return {};
  }
}

function commandsOf({ bin, name }: Manifest): string[] {
  if (typeof bin === 'string') return [name?.replace(/^@[^/]+\//, '') ?? bin];
  return Object.keys(bin ?? {}).sort();
}

function exportFacts(exported: readonly Export[]): PackageFacts['exports'] {
  const kinds: Record<string, number> = {};
  for (const { kind } of exported) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const undocumented = exported.filter((one) => !one.isDocumented).map((one) => one.name);
  return {
    total: exported.length,
    documented: exported.length - undocumented.length,
    kinds: Object.fromEntries(Object.entries(kinds).sort(([a], [b]) => (a < b ? -1 : 1))),
    undocumented: [...new Set(undocumented)].sort().slice(0, examplesMax),
  };
}

const builtin = new Set(builtinModules);

/** The package of a specifier; none for relative ones, subpath imports and what the runtime brings. */
function bareName(specifier: string): string[] {
  if (/^[./#]|^[a-z]+:/.test(specifier)) return [];
  const [first = '', second] = specifier.split('/');
  const name = first.startsWith('@') && second !== undefined ? `${first}/${second}` : first;
  return builtin.has(name) || !/^(?:@[\w.-]+\/)?[\w.-]+$/.test(name) ? [] : [name];
}

/** Where a relative import leads when it leaves the unit. */
function outsideTarget(specifier: string, path: string, root: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target === root || target.startsWith(`${root}/`)) return null;
  return posix.relative(posix.dirname(posix.dirname(root)), target);
}

/** A link inside the unit whose file is not there. Links that leave it cannot be judged from here. */
function isBroken(link: string, path: string, { root, without }: Unit, known: ReadonlySet<string>): boolean {
  let decoded: string;
  try {
    decoded = decodeURIComponent(link);
  } catch {
    return true;
  }
  const target = posix.normalize(posix.join(posix.dirname(path), decoded)).replace(/\/$/, '');
  if (!target.startsWith(`${root}/`) || without.some((other) => target.startsWith(`${other}/`) || target === other)) return false;
  if (/\/(?:node_modules|dist|coverage)\//.test(target)) return false;
  return !known.has(target) && ![...known].some((file) => file.startsWith(`${target}/`));
}
