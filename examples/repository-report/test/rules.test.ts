import { expect, test } from '@jest/globals';
import { cycleOf, edgesOf, layersOf } from '../src/facts/graph.ts';
import { observe } from '../src/facts/observations.ts';
import type { PackageFacts } from '../src/facts/package-facts.ts';
import { combine } from '../src/report/combine.ts';
import { dependencyChart } from '../src/report/mermaid.ts';
import { code, count, list, plain, thousands } from '../src/report/words.ts';
import { writeTemplate } from '../src/report/write-template.ts';
import { languageOf } from '../src/scan/languages.ts';
import { mask } from '../src/scan/mask.ts';
import { scanScript } from '../src/scan/scan-script.ts';

function facts(id: string, more: Partial<PackageFacts> = {}): PackageFacts {
  return {
    id,
    folder: 'packages',
    name: id,
    description: null,
    hasManifest: true,
    files: 1,
    lines: { code: 10, comments: 0, blank: 0, tests: 0 },
    languages: [{ language: 'TypeScript', files: 1, lines: 10 }],
    tests: { files: 1, cases: 1 },
    exports: { total: 0, documented: 0, kinds: {}, undocumented: [] },
    uses: [],
    reaches: [],
    dependencies: { runtime: {}, development: {} },
    markers: { count: 0, first: [] },
    largest: [],
    documents: { files: 0, words: 0, brokenLinks: [], titles: [] },
    commands: [],
    notRead: 0,
    ...more,
  };
}
const uses = (...names: string[]): PackageFacts['uses'] => names.map((name) => ({ name, files: 1, testFiles: 0 }));

test('a circle is found, named by its shortest way, and shown in the report', () => {
  const packages = [
    facts('a', { uses: uses('b') }),
    facts('b', { uses: uses('c', 'd') }),
    facts('c', { uses: uses('d') }),
    facts('d', { uses: uses('a', 'e') }),
    facts('e'),
  ];
  const edges = edgesOf(packages);
  const ids = packages.map((one) => one.id);
  expect(cycleOf(ids, edges)).toEqual(['a', 'b', 'd']);
  expect(layersOf(ids, edges)).toEqual({ layers: [['e']], cyclic: ['a', 'b', 'c', 'd'] });
  expect(observe(packages).map((one) => one.text)).toContain('Packages import each other in a circle: a → b → d → a.');
  expect(combine(packages).sections).toContain('In no layer, since they import each other in a circle: `a`, `b`, `c` and `d`.');
  expect(cycleOf(['a'], [])).toEqual([]);
});

test('what others stand on, tests alone and missing tests are told', () => {
  const packages = [
    facts('core'),
    facts('a', { uses: uses('core'), tests: { files: 0, cases: 0 } }),
    facts('b', { uses: uses('core') }),
    facts('c', { uses: [{ name: 'core', files: 0, testFiles: 2 }], tests: { files: 0, cases: 0 } }),
  ];
  const texts = observe(packages).map((one) => one.text);
  expect(texts).toContain('Most stands on core: 2 of the 3 other packages import it, so a change there reaches furthest.');
  expect(texts).toContain('a and c have code but no tests of their own.');
  expect(combine(packages).sections).toContain('n3 -.->|2| n0'.replace('n3', 'n2').replace('n0', 'n3'));
  expect(combine(packages).relations).toContainEqual({ from: 'c', to: 'core', relationType: 'is tested with' });
});

test('nothing to tell is told as little', () => {
  const empty = facts('docs', {
    lines: { code: 0, comments: 0, blank: 0, tests: 0 },
    languages: [],
    hasManifest: false,
    tests: { files: 0, cases: 0 },
  });
  expect(observe([empty]).map((one) => one.text)).toEqual(['No comment says that something is left to do.']);
  const { brief, sections } = combine([empty, facts('gone', { files: 0 })]);
  expect(writeTemplate(brief)).toContain('packages hold 1 package with 1 file, 0 lines of code and 0 tests. Nothing asks for attention.');
  expect(sections).toContain('No package of this report imports another.');
  expect(sections).not.toContain('## Languages');
  expect(writeTemplate({ ...brief, observations: [] })).not.toContain('What stands out');
});

test('long lists are cut and say how much is missing', () => {
  const runtime = Object.fromEntries(Array.from({ length: 45 }, (_, i) => [`dep-${String(i).padStart(2, '0')}`, '1.0.0']));
  const outside = Array.from({ length: 10 }, (_, i) => ({ name: `dep-0${i}`, files: 1, testFiles: 0 }));
  const marked = { count: 7, first: [{ file: 'a.ts', line: 3, text: 'TODO *all* of it' }] };
  const { sections } = combine([
    facts('a', {
      dependencies: { runtime, development: {} },
      uses: outside,
      markers: marked,
      notRead: 2,
      documents: { files: 1, words: 1_234, brokenLinks: [], titles: [] },
      exports: { total: 1, documented: 1, kinds: { const: 1 }, undocumented: [] },
    }),
  ]);
  expect(sections).toContain('And 5 more.');
  expect(sections).toContain('`dep-07` and 2 more.');
  expect(sections).toContain('Left to do: `a.ts:3` TODO \\*all\\* of it.');
  expect(sections).toContain('2 files not read');
  expect(sections).toContain('1 document with 1,234 words.');
  expect(sections).toContain('1 exported name (1 const), 100 % documented.');
  const reaching = facts('r', { reaches: Array.from({ length: 6 }, (_, i) => `r/${i} → x`) });
  expect(observe([reaching]).at(-1)?.text).toContain('r/3 → x and 2 more.');
});

test('names from files cannot break out of the report’s markup', () => {
  expect(plain('a|b*c_[d](e)<f>#~\n`g`')).toBe('a\\|b\\*c\\_\\[d\\](e)\\<f\\>\\#\\~ \\`g\\`');
  expect(code('a`b|c\nd')).toBe('`aˋb\\|c d`');
  const odd = [facts('packages/"];x', { name: 'x', uses: uses('y') }), facts('y', { folder: 'y' })];
  expect(dependencyChart(odd, edgesOf(odd))).toBe(
    [
      'flowchart LR',
      '  subgraph f0["packages"]',
      '    n0["#34;#93;#59;x"]',
      '  end',
      '  subgraph f1["y"]',
      '    n1["y"]',
      '  end',
      '  n0 -->|1| n1',
    ].join('\n'),
  );
});

test('figures and lists read well', () => {
  expect([0, 999, 1_000, 1_234_567].map(thousands)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([list([]), list(['a']), list(['a', 'b']), list(['a', 'b', 'c']), list(['a', 'b', 'c'], 2)]).toEqual([
    '',
    'a',
    'a and b',
    'a, b and c',
    'a, b and 1 more',
  ]);
  expect([count(1, 'dependency', 'dependencies'), count(2, 'dependency', 'dependencies')]).toEqual(['1 dependency', '2 dependencies']);
});

test('code, comments and texts are told apart, whatever they hold', () => {
  const source = [
    "const a = 'it\\'s // no comment'; // a comment",
    'const b = `text ${c + `inner ${d} /* no */`} // no`; /* yes\n over lines */',
    'const e = f / g / h; const i = /\\/[/"]/.test(j); return /x/;',
    "const broken = 'open",
    'const k = 1; /** doc */ /**/',
    '`unfinished ${',
  ].join('\n');
  const { comments, code: rest, literals } = mask(source);
  expect(comments.map((one) => [one.text, one.isDoc])).toEqual([
    [' a comment', false],
    [' yes\n over lines ', false],
    ['* doc ', true],
    ['', false],
  ]);
  expect([...literals.values()]).toEqual(["it\\'s // no comment", 'open']);
  expect(rest).toHaveLength(source.length);
  expect(rest).not.toMatch(/comment|inner|over|x\/;|unfinished/);
  expect(mask('a /* open').comments).toHaveLength(1);
  expect(mask('x = /open\ny').code).toBe('x = /open\ny');
  expect(mask('`a\\`b').code.trim()).toBe('`');
  expect(mask('} }').code).toBe('} }');
});

test('exports are found in all their forms, and what documents them', () => {
  const scan = scanScript(
    [
      '/** Doc. */',
      'function listed() {}',
      'const other = 1;',
      'export { listed, other as renamed, type Third };',
      'export type { Passed } from "./x.js";',
      'export * from "./y.js";',
      '/** Documented overload. */',
      'export function over(a: string): void;',
      'export function over(a: unknown): void {}',
      'export default { a: 1 };',
      'export declare const declared: number;',
      'export abstract class Abstract {}',
      '/** Not for the next. */',
      'const between = 1;',
      '@Injectable()',
      'export class Plain {}',
      'const { x } = require("cjs-one");',
      'void import("./lazy.js");',
      'import "side-effect";',
      'describe("x", () => { it("y", () => {}); });',
    ].join('\n'),
    true,
  );
  expect(scan.imports).toEqual(['./lazy.js', './x.js', './y.js', 'cjs-one', 'side-effect']);
  expect(Object.fromEntries(scan.exports.map((one) => [one.name, one.isDocumented]))).toEqual({
    Abstract: false,
    Passed: true,
    Plain: false,
    Third: true,
    declared: false,
    default: false,
    listed: true,
    over: true,
    renamed: false,
  });
  expect(scan.testCases).toBe(1);
  expect(scanScript('test("a", f)', false).testCases).toBe(0);
});

test('languages go by names and endings', () => {
  expect(['a/Dockerfile', 'a/Dockerfile.dev', 'x.ts', 'x.unknown', 'Makefile'].map(languageOf)).toEqual([
    'Dockerfile',
    'Dockerfile',
    'TypeScript',
    'Other',
    'Other',
  ]);
});
