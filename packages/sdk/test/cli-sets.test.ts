import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Manifest } from '../src/client/schema.ts';
import { page, problem, RestDouble } from './rest-double.ts';
import { signalbox as run, temporaryFolder } from './terminal-double.ts';
import type { Printed } from './terminal-double.ts';

const routes = {
  McpServer: 'mcp-servers',
  Agent: 'agents',
  Gate: 'gates',
  Objective: 'objectives',
  EvalSuite: 'eval-suites',
  Channel: 'channels',
  NotificationRule: 'notification-rules',
  Workflow: 'workflows',
  Schedule: 'schedules',
  Trigger: 'triggers',
  Deployment: 'deployments',
};

let rest: RestDouble;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** What stands on the server, by kind and name. */
let standing: Map<string, Manifest>;
let removed: string[];

beforeEach(async () => {
  rest = await RestDouble.start();
  rest.on('GET /budgets', page([]));
  rest.on('GET /gates', page([]));
  rest.on('GET /eval-suites', page([]));
  rest.on('GET /objectives', page([]));
  folder = await temporaryFolder();
  standing = new Map();
  removed = [];
});
afterEach(async () => {
  await rest.stop();
  await folder[Symbol.asyncDispose]();
});

function signalbox(...args: string[]): Promise<Printed> {
  return run(args, { cwd: folder.path, env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' } });
}

const manifest = (kind: string, name: string, labels?: Record<string, string>): Manifest => ({
  apiVersion: 'signalbox.dev/v1',
  kind,
  metadata: { name, ...(labels && { labels }) },
  spec: { text: 'a: "b"\n# no comment\n', list: [1, 'two', null] },
});

/** A server that keeps these names of each kind. */
function serve(...names: string[]): void {
  for (const [kind, route] of Object.entries(routes)) {
    const ofKind = (): Manifest[] => [...standing].filter(([key]) => key.startsWith(`${kind}/`)).map(([, one]) => one);
    rest.on(`GET /${route}`, () => page(ofKind().map(({ metadata }) => ({ name: metadata.name, labels: metadata.labels ?? {} }))));
    for (const name of names) {
      const key = `${kind}/${name}`;
      rest.on(`GET /${route}/${name}`, () => (standing.has(key) ? { manifest: standing.get(key) } : problem(404, 'not_found', 'none')));
      rest.on(`PUT /${route}/${name}`, ({ body, query }) => {
        const before = standing.get(key);
        const action = before === undefined ? 'created' : JSON.stringify(before) === JSON.stringify(body) ? 'unchanged' : 'updated';
        if (query['dryRun'] !== 'true') standing.set(key, body as Manifest);
        return { action, changes: [], resource: {} };
      });
      rest.on(`DELETE /${route}/${name}`, () => {
        removed.push(key);
        standing.delete(key);
        return {};
      });
    }
  }
}

const file = async (name: string, ...manifests: Manifest[]): Promise<void> => {
  await mkdir(join(folder.path, 'm'), { recursive: true });
  await writeFile(join(folder.path, 'm', name), manifests.map((one) => JSON.stringify(one)).join('\n---\n'));
};

test('a set removes what it had and no manifest describes, dependants first, and nothing of others', async () => {
  serve('a', 'b', 'w', 'd');
  await file(
    'all.yaml',
    manifest('Agent', 'a'),
    manifest('Agent', 'b'),
    manifest('Workflow', 'w'),
    manifest('Deployment', 'd', { team: 'x' }),
  );
  expect(await signalbox('apply', '-f', 'm', '--as', 'mine', '--prune', '--yes')).toMatchObject({ exit: 0, err: '' });
  expect(standing.get('Deployment/d')!.metadata.labels).toEqual({ team: 'x', 'signalbox.dev/set': 'mine' });
  standing.set('Agent/foreign', manifest('Agent', 'foreign'));
  standing.set('Agent/theirs', manifest('Agent', 'theirs', { 'signalbox.dev/set': 'theirs' }));
  await file('all.yaml', manifest('Agent', 'a'));
  const looked = await signalbox('apply', '-f', 'm', '--as', 'mine', '--prune', '--dry-run');
  expect(looked.out).toBe(
    '= agent/a  unchanged\n' +
      ['deployment/d', 'workflow/w', 'agent/b'].map((title) => `- ${title}  is removed no manifest describes it\n`).join('') +
      '\n3 changes to make; nothing was changed (--dry-run).\n',
  );
  expect(removed).toEqual([]);
  expect((await signalbox('apply', '-f', 'm', '--as', 'mine', '--prune')).exit).toBe(2); // nobody to ask
  const { out } = await signalbox('apply', '-f', 'm', '--as', 'mine', '--prune', '--yes');
  expect(out).toContain('✔ deployment/d removed\n✔ workflow/w removed\n✔ agent/b removed\n');
  expect(removed).toEqual(['Deployment/d', 'Workflow/w', 'Agent/b']);
  expect((await signalbox('apply', '-f', 'm', '--as', 'mine', '--prune', '--yes')).out).toContain('Nothing to change.');
});

test('a budget is a manifest with its scope as name, and what is wrong is named where it stands', async () => {
  serve();
  const spec = { limit: { tokens: 1000 }, period: 'day' as const };
  const kept = { scope: 'workflow/report', description: null, labels: { 'signalbox.dev/set': 'mine' }, perCall: {}, ...spec };
  let stands = false;
  rest.on('GET /budgets', () => page(stands ? [kept] : []));
  rest.on('GET /budgets/workflow%2Freport', kept);
  rest.on('PUT /budgets/workflow%2Freport', ({ query }) => {
    stands = query['dryRun'] !== 'true' || stands;
    return { action: 'created', changes: [], resource: kept };
  });
  rest.on('DELETE /budgets/workflow%2Freport', () => void removed.push('Budget/workflow/report'));
  await file('b.yaml', { ...manifest('Budget', 'workflow/report'), spec });
  expect((await signalbox('apply', '-f', 'm', '--as', 'mine', '--yes')).out).toContain('✔ budget/workflow/report created');
  expect(rest.seen.at(-1)?.body).toEqual({ ...spec, labels: { 'signalbox.dev/set': 'mine' }, description: '' });
  expect(await signalbox('export', '-o', 'kept')).toMatchObject({ exit: 0, err: '' });
  expect(await readFile(join(folder.path, 'kept/budget/workflow/report.yaml'), 'utf8')).toBe(
    'apiVersion: signalbox.dev/v1\nkind: Budget\nmetadata:\n  name: workflow/report\n  labels:\n    signalbox.dev/set: mine\n' +
      'spec:\n  limit:\n    tokens: 1000\n  period: day\n',
  );
  rest.on('PUT /budgets/workflow%2Freport', problem(400, 'invalid', 'no', { errors: [{ pointer: '/limit/tokens', detail: 'is odd' }] }));
  expect((await signalbox('apply', '-f', 'm', '--yes')).err).toContain('m/b.yaml:1:');
  await file('b.yaml', manifest('Agent', 'a'));
  serve('a');
  rest.on('GET /budgets', page([kept]));
  await signalbox('apply', '-f', 'm', '--as', 'mine', '--prune', '--yes');
  expect(removed).toEqual(['Budget/workflow/report']);
});

test('without a set nothing is removed, and a set needs a name', async () => {
  serve('a');
  await file('a.yaml', manifest('Agent', 'a'));
  expect(await signalbox('apply', '-f', 'm', '--prune', '--yes')).toMatchObject({ exit: 2, err: expect.stringContaining('--as NAME') });
  expect(await signalbox('apply', '-f', 'm', '--as', 'Not A Name', '--yes')).toMatchObject({ exit: 2 });
  expect(standing.size).toBe(0);
});

test('what stands is exported as manifests that change nothing when they are applied', async () => {
  serve('a', 'w');
  standing.set('Agent/a', manifest('Agent', 'a', { team: 'x' }));
  standing.set('Workflow/w', manifest('Workflow', 'w'));
  expect(await signalbox('export', '-o', 'kept')).toMatchObject({
    exit: 0,
    out: '2 manifests in kept. Values of secrets are not among them.\n',
  });
  expect(await readFile(join(folder.path, 'kept/agent/a.yaml'), 'utf8')).toContain('name: a\n');
  expect((await signalbox('apply', '-f', 'kept', '--dry-run')).out).toBe(
    '= agent/a  unchanged\n= workflow/w  unchanged\n\nNothing to change.\n',
  );
  expect((await signalbox('export', '--kind', 'agent', '--label', 'team=x')).out).toMatch(
    /^---\napiVersion: signalbox.dev\/v1\nkind: Agent\n/,
  );
  expect(await signalbox('export', '--label', 'team=y')).toMatchObject({ exit: 5 });
  expect(await signalbox('export', '--kind', 'agents')).toMatchObject({ exit: 2, err: expect.stringContaining('workflow') });
});
