import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { problem, RestDouble } from './rest-double.ts';
import type { Seen } from './rest-double.ts';
import { signalbox as run, temporaryFolder } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

let rest: RestDouble;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  rest = await RestDouble.start();
  folder = await temporaryFolder();
});
afterEach(async () => {
  await rest.stop();
  await folder[Symbol.asyncDispose]();
});

function signalbox(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  return run(args, {
    cwd: folder.path,
    ...surroundings,
    env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test', ...surroundings.env },
  });
}

async function file(name: string, text: string): Promise<void> {
  await mkdir(join(folder.path, name, '..'), { recursive: true });
  await writeFile(join(folder.path, name), text);
}

const manifest = (kind: string, name: string, spec = '{}'): string =>
  `apiVersion: signalbox.dev/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

/** A registry as far as applying needs one: it keeps manifests and says what differs. */
function keeping(route: string): Map<string, unknown> {
  const kept = new Map<string, unknown>();
  rest.on(`PUT ${route}`, ({ body, query }: Seen) => {
    const before = kept.get(route);
    const same = JSON.stringify(before) === JSON.stringify(body);
    if (query['dryRun'] !== 'true') kept.set(route, body);
    const action = before === undefined ? 'created' : same ? 'unchanged' : 'updated';
    return { action, changes: action === 'updated' ? [{ path: 'spec.x', from: 1, to: 2 }] : [], resource: {} };
  });
  return kept;
}

test('apply shows what it will change, changes it, and finds nothing to change the second time', async () => {
  keeping('/agents/a');
  keeping('/workflows/w');
  await file('all.yaml', `${manifest('Workflow', 'w')}---\n${manifest('Agent', 'a')}---\n# nothing\n`);
  expect(await signalbox(['apply', '-f', 'all.yaml', '--yes'])).toEqual({
    exit: 0,
    out: '+ agent/a  new all.yaml, document 2\n+ workflow/w  new all.yaml, document 1\n\n✔ agent/a created\n✔ workflow/w created\n',
    err: '',
  });
  expect((await signalbox(['apply', '-f', 'all.yaml', '--yes'])).out).toBe(
    '= agent/a  unchanged\n= workflow/w  unchanged\n\nNothing to change.\n',
  );
  expect(rest.seen.map(({ method, path, query }) => `${method} ${path} ${query['dryRun'] ?? ''}`.trim())).toEqual([
    'PUT /agents/a true',
    'PUT /workflows/w true',
    'PUT /agents/a',
    'PUT /workflows/w',
    'PUT /agents/a true',
    'PUT /workflows/w true',
  ]);
});

test('a change asks on a terminal, and needs --yes without one', async () => {
  const kept = keeping('/agents/a');
  await file('a.yaml', manifest('Agent', 'a', '{ x: 2 }'));
  expect(await signalbox(['apply', '-f', 'a.yaml'])).toMatchObject({ exit: 2, err: expect.stringContaining('Say --yes') });
  expect(await signalbox(['apply', '-f', 'a.yaml'], { answer: 'n' })).toMatchObject({ exit: 1, err: 'error: nothing was changed\n' });
  expect(kept.size).toBe(0);
  expect(await signalbox(['apply', '-f', 'a.yaml'], { answer: 'Yes' })).toMatchObject({
    exit: 0,
    out: expect.stringContaining('Make this change? [y/N]'),
  });
  expect(kept.size).toBe(1);
  await file('a.yaml', manifest('Agent', 'a', '{ x: 3 }'));
  const looked = await signalbox(['apply', '-f', 'a.yaml', '--dry-run']);
  expect(looked.out).toBe('~ agent/a  changes a.yaml\n    ~ spec.x: 1 → 2\n\n1 change to make; nothing was changed (--dry-run).\n');
  expect(JSON.parse((await signalbox(['apply', '-f', 'a.yaml', '--dry-run', '--json'])).out)).toEqual([
    { object: 'agent/a', action: 'updated', changes: [{ path: 'spec.x', from: 1, to: 2 }], file: 'a.yaml' },
  ]);
  expect(JSON.parse((await signalbox(['apply', '-f', 'a.yaml', '--yes', '--json'])).out)).toMatchObject([{ action: 'updated' }]);
});

test('many changes are cut, --full shows all, and each kind of change has its sign', async () => {
  const changes = [
    { path: 'spec.new', to: { a: '\u001b[31m' } },
    { path: 'spec.gone', from: 'x'.repeat(200) },
    ...Array.from({ length: 12 }, (_, i) => ({ path: `spec.n${i}`, from: i, to: i + 1 })),
  ];
  rest.on('PUT /mcp-servers/s', { action: 'updated', changes, resource: {} });
  await file('s.yaml', manifest('McpServer', 's', '{ transport: streamable-http, url: "https://x.test" }'));
  const short = (await signalbox(['apply', '-f', 's.yaml', '--dry-run'])).out.split('\n');
  expect(short[1]).toBe('    + spec.new: {"a":"\\u001b[31m"}');
  expect(short[2]).toBe(`    - spec.gone: "${'x'.repeat(88)}…`);
  expect(short[13]).toBe('      and 2 more changes: --full');
  expect((await signalbox(['apply', '-f', 's.yaml', '--dry-run', '--full'])).out.split('\n')).toHaveLength(18);
  rest.on('PUT /mcp-servers/s', { action: 'created', changes: [{ path: 'spec.x', to: 1 }], resource: {} });
  expect((await signalbox(['apply', '-f', 's.yaml', '--dry-run', '--full'])).out).toContain('+ spec.x: 1');
});

test('what needs something that the same apply creates is checked when that is there', async () => {
  keeping('/agents/a');
  const kept = new Set<string>();
  rest.on('PUT /deployments/d', ({ query }: Seen) => {
    if (query['dryRun'] === 'true' && kept.size === 0) return problem(404, 'not_found', 'there is no agent a');
    kept.add('d');
    return { action: 'created', changes: [], resource: {} };
  });
  await file('all.yaml', `${manifest('Deployment', 'd')}---\n${manifest('Agent', 'a')}`);
  expect((await signalbox(['apply', '-f', 'all.yaml', '--yes'])).out).toBe(
    '+ agent/a  new all.yaml, document 2\n? deployment/d  is checked when the above is there there is no agent a\n\n✔ agent/a created\n✔ deployment/d created\n',
  );
});

test('a refusal names the file and keeps its faults', async () => {
  await file('a.yaml', manifest('Agent', 'a'));
  rest.on(
    'PUT /agents/a',
    problem(400, 'invalid', 'the manifest is wrong', { errors: [{ pointer: '/spec/kind', detail: 'is missing' }], next: 'Correct it.' }),
  );
  expect(await signalbox(['apply', '-f', 'a.yaml', '--yes'])).toEqual({
    exit: 2,
    out: '',
    err: 'error: a.yaml:4:1: the manifest is wrong\n  a.yaml:4:1: /spec/kind: is missing\n  next: Correct it.\n',
  });
  let n = 0;
  rest.on('PUT /agents/a', () =>
    n++ === 0 ? { action: 'created', changes: [], resource: {} } : problem(409, 'conflict', 'somebody was faster'),
  );
  expect(await signalbox(['apply', '-f', 'a.yaml', '--yes'])).toMatchObject({ exit: 6, err: 'error: a.yaml: somebody was faster\n' });
  expect(await signalbox(['apply', '-f', 'a.yaml', '--url', 'http://127.0.0.1:9'], { answer: 'y' })).toMatchObject({ exit: 3 });
});

test('a report of a step goes to its deployment, and needs no name', async () => {
  rest.on('PUT /deployments/d/agents/a/steps/s', {
    action: 'updated',
    changes: [{ path: 'state', from: 'pending', to: 'done' }],
    resource: {},
  });
  await file('r.yaml', 'apiVersion: signalbox.dev/v1\nkind: StepReport\nspec: { deployment: d, agent: a, step: s, state: done }\n');
  expect((await signalbox(['apply', '-f', 'r.yaml', '--yes'])).out).toContain('✔ step/d/a/s updated');
  expect(rest.seen.at(-1)?.body).toEqual({ deployment: 'd', agent: 'a', step: 's', state: 'done' });
});

test('a folder gives all its manifests, in order of names; links, hidden files and dependencies are left out', async () => {
  for (const name of ['one', 'two', 'three']) keeping(`/agents/${name}`);
  await file('set/b/two.yml', manifest('Agent', 'two'));
  await file('set/a.yaml', manifest('Agent', 'one'));
  await file('set/.hidden.yaml', manifest('Agent', 'hidden'));
  await file('set/node_modules/x.yaml', manifest('Agent', 'dependency'));
  await file('outside.yaml', manifest('Agent', 'outside'));
  await symlink(join(folder.path, 'outside.yaml'), join(folder.path, 'set/link.yaml'));
  const applied = await signalbox(['apply', '-f', 'set', '-f', '-', '--dry-run'], { stdin: manifest('Agent', 'three') });
  expect(applied.out.split('\n').slice(0, 3)).toEqual([
    '+ agent/one  new set/a.yaml',
    '+ agent/two  new set/b/two.yml',
    '+ agent/three  new standard input',
  ]);
});

test('relative folders of commands become absolute, against the file', async () => {
  keeping('/mcp-servers/s');
  keeping('/agents/a');
  keeping('/agents/b');
  const server = '{ transport: stdio, command: [node, x.js], roots: [data, /abs, { path: out, access: write }, "${state}/x"], cwd: .. }';
  const worker = '{ kind: worker, worker: { runner: local, command: [node, w.js] } }';
  await file(
    'sub/s.yaml',
    `${manifest('McpServer', 's', server)}---\n${manifest('Agent', 'a', worker)}---\n${manifest('Agent', 'b', '{ kind: worker, worker: { runner: external } }')}`,
  );
  await signalbox(['apply', '-f', 'sub/s.yaml', '--yes']);
  const bodies = Object.fromEntries(rest.seen.map(({ path, body }) => [path, (body as { spec: unknown }).spec]));
  expect(bodies['/mcp-servers/s']).toEqual({
    transport: 'stdio',
    command: ['node', 'x.js'],
    roots: [`${folder.path}/sub/data`, '/abs', { path: `${folder.path}/sub/out`, access: 'write' }, '${state}/x'],
    cwd: folder.path,
  });
  expect(bodies['/agents/a']).toMatchObject({ worker: { cwd: `${folder.path}/sub` } });
  expect(bodies['/agents/b']).toEqual({ kind: 'worker', worker: { runner: 'external' } });
});

const bundle = (spec: string): string => `apiVersion: signalbox.dev/v1\nkind: Bundle\nmetadata: { name: b }\nspec:\n${spec}`;

test('a bundle chooses its files by the environment and fills in its parameters', async () => {
  for (const name of ['model', 'template', 's']) keeping(name === 's' ? '/mcp-servers/s' : `/agents/${name}`);
  await file(
    'set/signalbox.yaml',
    bundle(`  parameters:
    folders: { type: paths, default: [data] }
    home: { type: path, default: . }
    model: { fromEnv: MODEL, default: small }
    size: { type: value, default: 3 }
    title: { default: none }
  files:
    - s.yaml
    - { file: model.yaml, whenEnv: [KEY, OTHER_KEY] }
    - { file: template.yaml, unlessEnv: [KEY, OTHER_KEY] }
`),
  );
  await file(
    'set/s.yaml',
    manifest(
      'McpServer',
      's',
      "{ transport: stdio, command: [node, '${folders}', '--size=${size}', '--all=${folders}'], env: { N: '${size}', T: '${title}', S: '${state}/x' }, x: '${{ input.folders }}', f: '${folders}', n: '${size}' }",
    ),
  );
  await file('set/model.yaml', manifest('Agent', 'model', "{ model: '${model}' }"));
  await file('set/template.yaml', manifest('Agent', 'template'));
  const objects = async (args: string[], env: Record<string, string> = {}): Promise<string[]> => {
    const { out } = await signalbox(['apply', '-f', 'set', '--dry-run', '--json', ...args], { env });
    return (JSON.parse(out) as { object: string }[]).map((one) => one.object);
  };
  expect(await objects([])).toEqual(['server/s', 'agent/template']);
  const data = `${folder.path}/set/data`;
  expect((rest.seen[0]?.body as { spec: object }).spec).toEqual({
    transport: 'stdio',
    command: ['node', data, '--size=3', `--all=["${data}"]`],
    env: { N: 3, T: 'none', S: '${state}/x' },
    x: '${{ input.folders }}',
    f: [data],
    n: 3,
    cwd: `${folder.path}/set`,
  });
  expect(await objects(['--set', 'folders=one,/two', '--set', 'home=there', '--set', 'title=7'], { KEY: 'x', MODEL: 'large' })).toEqual([
    'server/s',
    'agent/model',
  ]);
  const bodies = rest.seen.slice(-2).map(({ body }) => (body as { spec: { command?: string[]; model?: string } }).spec);
  expect(bodies[0]).toMatchObject({ command: ['node', `${folder.path}/one`, '/two', '--size=3', expect.anything()], env: { T: '7' } });
  expect(bodies[1]).toEqual({ model: 'large' });
  expect(await objects(['--set', 'folders=["x"]'], { KEY: '' })).toEqual(['server/s', 'agent/template']);
});

test('what is wrong with files is said with its place, and exit code 2', async () => {
  await file('syntax.yaml', 'a: [1\nb: 2\n');
  await file('list.yaml', '- 1\n');
  await file('version.yaml', 'kind: Agent\n');
  await file('kindless.yaml', 'apiVersion: signalbox.dev/v1\n');
  await file('nameless.yaml', 'apiVersion: signalbox.dev/v1\nkind: Agent\nspec: {}\n');
  await file('specless.yaml', 'apiVersion: signalbox.dev/v1\nkind: Agent\nmetadata: { name: a }\n');
  await file('odd.yaml', manifest('Spaceship', 'a'));
  await file('alias.yaml', `${manifest('Agent', 'a', '{ x: &x 1, y: *x }')}`);
  await file('large.yaml', `# ${'x'.repeat(1024 * 1024)}`);
  await file('nothing.yaml', '# nothing\n');
  await mkdir(join(folder.path, 'empty'));
  await file('deep/kind/signalbox.yaml', manifest('Agent', 'a'));
  await file('deep/broken/signalbox.yaml', 'a: [');
  await file('deep/missing/signalbox.yaml', bundle('  files: [none.yaml]'));
  await file('deep/outside/signalbox.yaml', bundle('  files: [../../syntax.yaml]'));
  await file('deep/needs/signalbox.yaml', bundle('  parameters: { x: {} }\n  files: []'));
  await file('deep/path/signalbox.yaml', bundle('  parameters: { x: { type: path, default: 3 } }\n  files: []'));
  await file('deep/unknown/signalbox.yaml', bundle('  files: [a.yaml]'));
  await file('deep/unknown/a.yaml', manifest('Agent', "'${other}'"));
  await symlink(join(folder.path, 'odd.yaml'), join(folder.path, 'deep/unknown/link.yaml'));
  await file('deep/link/signalbox.yaml', bundle('  files: [link.yaml]'));
  await symlink(join(folder.path, 'odd.yaml'), join(folder.path, 'deep/link/link.yaml'));
  const said = async (...args: string[]): Promise<string> => {
    const { exit, err } = await signalbox(['apply', '-f', ...args]);
    return `${exit} ${err.split('\n')[0]?.replace('error: ', '')}`;
  };
  expect(await said('syntax.yaml')).toMatch(/^2 syntax\.yaml:2:1: /);
  expect(await said('list.yaml')).toBe('2 list.yaml is not a manifest');
  expect(await said('version.yaml')).toBe('2 version.yaml has no apiVersion: signalbox.dev/v1');
  expect(await said('kindless.yaml')).toBe('2 kindless.yaml has no kind');
  expect(await said('nameless.yaml')).toBe('2 nameless.yaml has no metadata.name');
  expect(await said('specless.yaml')).toBe('2 specless.yaml has no spec');
  expect(await said('odd.yaml')).toBe('2 odd.yaml has the unknown kind Spaceship');
  expect(await said('alias.yaml')).toMatch(/^2 alias\.yaml: /);
  expect(await said('large.yaml')).toBe('7 large.yaml is larger than 1 MiB');
  expect(await said('nothing.yaml')).toBe('2 there is no manifest in what was given');
  expect(await said('none.yaml')).toBe('2 cannot read none.yaml: there is no such file');
  expect(await said('empty')).toBe('2 there is no .yaml file in empty');
  expect(await said('empty', '--set', 'a=1')).toBe('2 there is no .yaml file in empty');
  expect(await said('odd.yaml', '--set', 'a=1')).toBe('2 --set gives values to a bundle, and there is none');
  expect(await said('odd.yaml', '--set', 'a')).toBe('2 a is neither key=value nor a JSON object');
  expect(await said('deep/kind')).toBe('2 deep/kind/signalbox.yaml is not a Bundle with spec.files');
  expect(await said('deep/broken')).toMatch(/^2 deep\/broken\/signalbox\.yaml:1:5: /);
  expect(await said('deep/missing/signalbox.yaml')).toMatch(/^2 cannot read deep\/missing\/none\.yaml/);
  expect(await said('deep/outside')).toBe('2 deep/outside/signalbox.yaml names ../../syntax.yaml, which is outside its folder');
  expect(await said('deep/link')).toBe('2 deep/link/signalbox.yaml names link.yaml, which is outside its folder');
  expect(await said('deep/needs')).toBe('2 deep/needs/signalbox.yaml needs a value for x');
  expect(await said('deep/needs', '--set', 'y=1', '--set', 'x=1')).toBe('2 deep/needs/signalbox.yaml has no parameter y');
  expect(await said('deep/path')).toBe('2 x must be a path');
  expect(await said('deep/unknown')).toBe('2 deep/unknown/a.yaml uses ${other}, which is no parameter');
  await Promise.all(Array.from({ length: 502 }, (_, i) => file(`many/${i}.yaml`, '')));
  expect(await said('many')).toMatch(/^7 there are more than 500 YAML files/);
});
