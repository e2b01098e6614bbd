import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { entryOf } from './entry.ts';

let root: string;
let dist: string;

beforeEach(async () => {
  delete process.env['NODE_V8_COVERAGE']; // while coverage is measured, services start from their modules
  root = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-bundle-')));
  dist = join(root, 'apps', 'context', 'dist');
  await mkdir(join(dist, 'parts'), { recursive: true });
  await mkdir(join(root, 'apps', 'context', 'node_modules', 'old'), { recursive: true });
  await writeFile(join(root, 'apps', 'context', 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(root, 'apps', 'context', 'node_modules', 'old', 'index.js'),
    'module.exports = { folder: __dirname, file: __filename };',
  );
  await writeFile(
    join(dist, 'main.js'),
    `import old from 'old';
import { place, Thing } from './parts/thing.js';
import { Thing as Other } from './parts/other.js';
const { late } = await import('./parts/late.js');
console.log(JSON.stringify({ old, place, late, names: [Thing.name, Other.name] }));`,
  );
  await writeFile(
    join(dist, 'parts', 'thing.js'),
    `export const place = new URL('../beside.txt', import.meta.url).pathname;\nexport class Thing {}`,
  );
  await writeFile(join(dist, 'parts', 'other.js'), 'export class Thing {}');
  await writeFile(join(dist, 'parts', 'late.js'), 'export const late = import.meta.filename;');
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** As the build does it: the bundler is a program of its own. */
function bundle(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../dist/bundle/main.js', import.meta.url)), root, 'context']);
}

function run(path: string): unknown {
  return JSON.parse(execFileSync(process.execPath, [path], { encoding: 'utf8' }));
}

test('a bundle does what its modules do: each still knows its place, and classes keep their names', async () => {
  const plain = run(join(dist, 'main.js'));
  bundle();
  const entry = await entryOf(root, 'context');
  expect(entry).toBe(join(dist, 'bundle', 'main.mjs'));
  expect(run(entry)).toEqual(plain);
  expect(plain).toMatchObject({ names: ['Thing', 'Thing'], place: join(dist, 'beside.txt') });
});

test('a bundle is used only while what it was made from is unchanged', async () => {
  const plain = join(dist, 'main.js');
  expect(await entryOf(root, 'context')).toBe(plain);
  bundle();
  await utimes(join(dist, 'parts', 'other.js'), new Date(), new Date(Date.now() + 5_000));
  expect(await entryOf(root, 'context')).toBe(plain);
  bundle();
  expect(await entryOf(root, 'context')).not.toBe(plain);
  await rm(join(dist, 'parts', 'late.js'));
  expect(await entryOf(root, 'context')).toBe(plain);
  expect(Object.keys(JSON.parse(await readFile(join(dist, 'bundle', 'inputs.json'), 'utf8')) as object)).toContain(
    'apps/context/dist/parts/thing.js',
  );
});
