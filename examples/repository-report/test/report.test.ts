import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ApiError, ConnectionError } from '@signalbox/sdk/client/api-error.js';
import type { TaskContext } from '@signalbox/sdk/worker/skill.js';
import { analystSkills } from '../src/analyst.ts';
import type { PackageFacts } from '../src/facts/package-facts.ts';
import { excluded, Library, splitTexts } from '../src/read/library.ts';
import { manifestPattern } from '../src/read/plan.ts';
import type { Combined } from '../src/report/combine.ts';
import { writerSkills } from '../src/writer.ts';
import { clientOf, folderWith, startServer } from './real-servers.ts';
import type { RealServer } from './real-servers.ts';

/** A small monorepo with one of each thing that the report tells. */
const repository = {
  'apps/web/package.json': JSON.stringify({
    name: '@shop/web',
    description: 'The shop | its pages',
    bin: { shop: './x.js', admin: './y.js' },
    dependencies: { '@shop/core': 'workspace:*', react: '19.0.0', idle: '1.0.0', '@types/react': '1' },
    devDependencies: { vitest: '1.0.0' },
  }),
  'apps/web/src/page.tsx': [
    "import { price } from '@shop/core/price.js';",
    "import type { Tax } from '@shop/core';",
    "import react from 'react';",
    "import missing from 'missing-one';",
    "import { readFile } from 'node:fs/promises';",
    "import path from 'path';",
    "import { helper } from '../../lib/helper.js';",
    '/** A page. */',
    'export function page(): string { return `import x from "fake"; ${price(1) + `nested ${"}"}`} /* no */`; }',
    "// TODO show the tax\nconst text = 'export const inString = 1';",
    'export default class Shop {}',
    'export const re = /[/*"]import/g, half = 4 / 2;',
    "export { price as cost } from '@shop/core';",
    'export { text };',
  ].join('\n'),
  'apps/web/src/page.test.tsx':
    "import { test } from 'vitest';\nimport { price } from '@shop/core';\ntest('a', () => {});\ntest.each([1])('b', () => {});\n",
  'apps/web/src/long.ts': `${'const a = 1;\n'.repeat(450)}`,
  'apps/lib/helper.ts': 'export const helper = 1;\n',
  'apps/web/logo.png': 'PNG',
  'apps/web/node_modules/react/index.js': 'module.exports = 1;',
  'apps/web/dist/page.js': 'export const built = 1;',
  'packages/core/package.json': JSON.stringify({ name: '@shop/core', dependencies: { react: '18.0.0' } }),
  'packages/core/src/price.ts':
    '/** A price. */\n@Final({\n  a: 1,\n})\nexport class Price {}\n\nexport interface A {}\nexport type B = 1;\nexport const c = 1;\nexport enum D {}\nexport async function e() {}\nconst lazy = await import("@shop/tax");\n',
  'packages/core/nested/package.json': JSON.stringify({ name: 'nested' }),
  'packages/tax/package.json': '{ broken',
  'packages/tax/go.mod': 'module tax',
  'packages/tax/main.go': '// Package tax\npackage tax\n\nfunc Tax() {}\n',
  'packages/tax/main_test.go': 'package tax\n',
  'docs/guide.md':
    '# The guide\n\nSome words here.\n\n[there](other.md) [gone](missing.md#x) [web](https://x.test) [out](../README.md) [folder](sub/) [bad](%E0%A4%A) ![pic](a.png "x")\n\n```md\n# not a heading\n[no](nothing.md)\n```\n',
  'docs/other.md': '# Other ##\n',
  'docs/sub/x.yaml': '# comment\na: 1\n',
  'docs/a.png': '',
};

const never = new AbortController().signal;

async function factsOf(server: RealServer, folders: readonly string[]): Promise<PackageFacts[]> {
  const lists = [];
  for (const path of folders) lists.push(await server.call('search_files', { path, pattern: manifestPattern, excludePatterns: excluded }));
  const { units } = analystSkills.plan.run({ folders: [...folders], lists });
  const messages: string[] = [];
  const ctx = { client: clientOf(server), signal: never, progress: (message: string) => messages.push(message) } as unknown as TaskContext;
  const facts: PackageFacts[] = [];
  for (const unit of units) facts.push(await analystSkills.analyse.run(unit, ctx));
  expect(messages).toContain('listing packages/core');
  return facts;
}

async function reportOf(folders: readonly string[]): Promise<{ facts: PackageFacts[]; combined: Combined; text: string }> {
  await using server = await startServer('filesystem', folders);
  const facts = await factsOf(server, folders);
  const combined = analystSkills.combine.run({ facts });
  const { text } = writerSkills.write.run({ brief: combined.brief });
  return { facts, combined, text };
}

const in_ = (root: string): string[] => ['apps', 'packages', 'docs'].map((name) => join(root, name));

test('a folder of code becomes packages with their facts, read by the real server', async () => {
  await using folder = await folderWith(repository);
  const { facts } = await reportOf(in_(folder.path));
  expect(facts.map(({ id, name, hasManifest }) => [id, name, hasManifest])).toEqual([
    ['apps', 'apps', false],
    ['apps/web', '@shop/web', true],
    ['docs', 'docs', false],
    ['packages', 'packages', false],
    ['packages/core', '@shop/core', true],
    ['packages/tax', 'packages/tax', true],
  ]);
  const [, web, docs, , core, tax] = facts as [PackageFacts, PackageFacts, PackageFacts, PackageFacts, PackageFacts, PackageFacts];
  expect(web).toMatchObject({
    files: 5,
    notRead: 1,
    commands: ['admin', 'shop'],
    lines: { comments: 2, tests: 4 },
    tests: { files: 1, cases: 2 },
    exports: { total: 5, documented: 2, kinds: { class: 1, const: 1, function: 1, list: 2 } },
    uses: [
      { name: '@shop/core', files: 1, testFiles: 1 },
      { name: 'missing-one', files: 1, testFiles: 0 },
      { name: 'react', files: 1, testFiles: 0 },
      { name: 'vitest', files: 0, testFiles: 1 },
    ],
    reaches: ['apps/web/src/page.tsx → apps/lib/helper.js'],
    markers: { count: 1, first: [{ file: 'src/page.tsx', line: 10, text: 'TODO show the tax' }] },
    largest: [{ file: 'src/long.ts', lines: 450 }, { file: 'src/page.tsx' }, { file: 'src/page.test.tsx' }],
  });
  expect(core).toMatchObject({
    exports: { total: 6, documented: 1, undocumented: ['A', 'B', 'D', 'c', 'e'] },
    uses: [{ name: '@shop/tax', files: 1, testFiles: 0 }],
  });
  expect(tax).toMatchObject({
    lines: { code: 2, comments: 1, blank: 1, tests: 1 },
    tests: { files: 1, cases: 0 },
    dependencies: { runtime: {} },
  });
  expect(docs.documents).toEqual({
    files: 2,
    words: expect.any(Number),
    titles: ['The guide', 'Other'],
    brokenLinks: ['guide.md → %E0%A4%A', 'guide.md → missing.md'],
  });
});

test('the report says what stands out, shows the dependencies, and is the same for the same files', async () => {
  await using folder = await folderWith(repository);
  const { combined, text, facts } = await reportOf(in_(folder.path));
  expect(combined.title).toBe('Report on apps, docs and packages');
  expect(text).toContain('apps, docs and packages hold 5 packages with 17 files');
  for (const sentence of [
    'Less than half of what @shop/core and @shop/web export is documented.',
    '1 comment says that something is left to do, most in @shop/web.',
    '1 file has more than 400 lines; the longest is apps/web/src/long.ts with 450.',
    'Imported, but not declared in the package’s own manifest: missing-one (in @shop/web) and @shop/tax (in @shop/core).',
    'Packages ask for different versions of the same dependency: react (18.0.0, 19.0.0).',
    'Links in documents that lead to no file: docs/guide.md → %E0%A4%A and docs/guide.md → missing.md.',
    '@shop/web is the largest part',
    'No packages import each other in a circle; they form 2 layers over 1 dependency.',
    'Declared for runtime, but imported by no file: idle (in @shop/web) and react (in @shop/core).',
    'Files that import beyond their own package by a relative path: apps/web/src/page.tsx → apps/lib/helper.js.',
  ]) {
    expect(text.replace(/\\/g, '')).toContain(sentence);
  }
  expect(combined.sections).toContain('| `@shop/web` <br> apps/web | 5 |');
  expect(combined.sections).toContain('  n0 -->|2| n1');
  expect(combined.sections).toContain('The shop \\| its pages');
  expect(combined.sections).toContain('Brings the commands `admin` and `shop`.');
  expect(combined.relations).toEqual([{ from: '@shop/web', to: '@shop/core', relationType: 'depends on' }]);
  expect(analystSkills.combine.run({ facts: [...facts].reverse() })).toEqual(combined);
  const again = await reportOf(in_(folder.path));
  expect(again.combined).toEqual(combined);
});

test('what the keeper gets is stored by the real server, and stored once', async () => {
  await using folder = await folderWith(repository);
  const { combined } = await reportOf(in_(folder.path));
  await using memory = await startServer('memory', [], { MEMORY_FILE_PATH: join(folder.path, 'memory.jsonl') });
  for (let round = 0; round < 2; round++) {
    await memory.call('delete_entities', { entityNames: combined.names });
    await memory.call('create_entities', { entities: combined.entities });
    await memory.call('create_relations', { relations: combined.relations });
  }
  const graph = (await memory.call('read_graph', {})).structuredContent as {
    entities: { name: string; observations: string[] }[];
    relations: object[];
  };
  expect(graph.entities.map((one) => one.name)).toEqual(combined.names);
  expect(graph.entities.find((one) => one.name === '@shop/web')?.observations).toContain('exports 5 names, 2 documented');
  expect(graph.relations).toEqual(combined.relations);
});

test('nothing outside the guarded folders is read: not by path, not by link', async () => {
  await using folder = await folderWith({ ...repository, 'secret.txt': 'secret' });
  await symlink(join(folder.path, 'secret.txt'), join(folder.path, 'docs/link.md'));
  await using server = await startServer('filesystem', [join(folder.path, 'docs')]);
  const library = new Library(clientOf(server), 'filesystem', never);
  expect(await library.filesBelow(join(folder.path, 'docs'))).toContain(join(folder.path, 'docs/link.md'));
  expect(await library.read([join(folder.path, 'docs/link.md'), join(folder.path, 'secret.txt')])).toEqual([]);
  await expect(library.filesBelow(folder.path)).rejects.toThrow('the librarian could not do directory_tree: ');
});

test('too much for one message is read in halves, what fits in none is left out, other failures fail', async () => {
  const texts: Record<string, string> = { '/a': 'a', '/b': 'x'.repeat(100), '/c': 'c' };
  const calls: string[][] = [];
  let failure: Error | null = null;
  const call = (_: string, __: string, { paths }: { paths: string[] }): Promise<object> => {
    calls.push(paths);
    if (failure) return Promise.reject(failure);
    const joined = paths.map((path) => `${path}:\n${texts[path]}\n`).join('\n---\n');
    if (joined.length > 60) return Promise.reject(new ApiError(413, { code: 'limited', detail: 'too large' }));
    return Promise.resolve({ content: [{ type: 'text', text: joined }], isError: false });
  };
  const library = new Library({ tools: { call } } as never, 'filesystem', never);
  expect((await library.read(['/a', '/b', '/c'])).map((file) => file.path)).toEqual(['/a', '/c']);
  expect(calls).toEqual([['/a', '/b', '/c'], ['/a', '/b'], ['/a'], ['/b'], ['/c']]);
  failure = new ApiError(429, { code: 'limited', detail: 'slow down' }, 1_000);
  await expect(library.read(['/a'])).rejects.toThrow('slow down');
  failure = new ApiError(403, { code: 'forbidden', detail: 'not yours' });
  await expect(library.read(['/a'])).rejects.toThrow('not yours');
});

test('a server that is away for a moment is asked again, one that stays away fails the task, a stop ends the waiting', async () => {
  const away = [new ApiError(503, { code: 'unavailable', detail: 'restarting' }), new ConnectionError('timeout', 'http://x', 'no answer')];
  const reading = (failures: Error[], signal = never): Promise<{ path: string }[]> => {
    const call = (): Promise<object> => {
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve({ content: [{ type: 'text', text: '/a:\na\n' }], isError: false });
    };
    return new Library({ tools: { call } } as never, 'filesystem', signal).read(['/a']);
  };
  expect(await reading([...away])).toEqual([{ path: '/a', text: 'a' }]);
  await expect(reading([new ConnectionError('unreadable', 'http://x', 'no JSON')])).rejects.toThrow('no JSON');
  await expect(reading(away.flatMap((one) => [one, one, one]))).rejects.toThrow('no answer');
  await expect(reading([...away], AbortSignal.abort(new Error('cancelled')))).rejects.toThrow('cancelled');
});

test('joined texts are taken apart even where they hold separators of their own', () => {
  const paths = ['/a.md', '/gone', '/b.md'];
  const joined = '/a.md:\n# A\n\n---\nrule\n\n---\n/gone: Error - ENOENT\n---\n/b.md:\nb\n';
  expect(splitTexts(joined, paths)).toEqual([
    { path: '/a.md', text: '# A\n\n---\nrule' },
    { path: '/b.md', text: 'b' },
  ]);
  expect(splitTexts('something else', ['/a'])).toEqual([]);
});

test('the plan takes what the librarian answers in any of its forms, and refuses far too many packages', () => {
  const planned = (list: unknown): string[] => analystSkills.plan.run({ folders: ['/r/'], lists: [list] }).units.map((unit) => unit.id);
  const text = '/r/package.json\n/r/a/package.json';
  for (const form of [
    text,
    { content: text },
    { content: [{ type: 'text', text }] },
    { structuredContent: { content: text }, content: [] },
    { text },
  ]) {
    expect(planned(form)).toEqual(['r']);
  }
  expect(planned('No matches found')).toEqual(['r']);
  expect(planned(null)).toEqual(['r']);
  expect(planned({ content: [{ type: 'image' }] })).toEqual(['r']);
  expect(planned('/r/b/package.json\n/r/b/go.mod\n/r/b/c/package.json\n/r/a/Cargo.toml')).toEqual(['r', 'r/a', 'r/b']);
  expect(analystSkills.plan.run({ folders: ['/x'], lists: [] }).units).toHaveLength(1);
  const many = Array.from({ length: 201 }, (_, i) => `/r/${i}/package.json`).join('\n');
  expect(() => planned(many)).toThrow('there are 202 packages');
});
