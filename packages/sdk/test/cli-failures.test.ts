import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { version } from '../src/cli/version.ts';
import { page, problem, Reply, RestDouble } from './rest-double.ts';
import { signalbox, temporaryFolder } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

const env = (): Record<string, string> => ({ SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' });

test('each kind of refusal has its exit code and says what to do', async () => {
  const cases: [number, string, number][] = [
    [400, 'invalid', 2],
    [401, 'unauthenticated', 4],
    [403, 'forbidden', 4],
    [404, 'not_found', 5],
    [409, 'conflict', 6],
    [429, 'limited', 7],
    [503, 'unavailable', 3],
    [504, 'timeout', 8],
    [500, 'internal', 1],
  ];
  for (const [status, code, exit] of cases) {
    // A long Retry-After: the client does not try again by itself.
    rest.on('POST /tools/a/b/call', problem(status, code, `it is ${code}`, { next: 'Do this.' }, { 'retry-after': '3600' }));
    const next = code === 'unauthenticated' ? 'Set SIGNALBOX_API_KEY to a key of this Signalbox.' : 'Do this.';
    expect(await signalbox(['call', 'a/b'], { env: env() })).toEqual({ exit, out: '', err: `error: it is ${code}\n  next: ${next}\n` });
  }
});

test('a refusal without advice gets ours where we have some', async () => {
  rest.on('GET /whoami', problem(401, 'unauthenticated', 'the key is not known'));
  expect((await signalbox(['whoami'], { env: env() })).err).toContain('next: Set SIGNALBOX_API_KEY');
  rest.on('GET /whoami', problem(403, 'forbidden', 'no'));
  expect((await signalbox(['whoami'], { env: env() })).err).toContain('next: Use a key with a role');
  rest.on('GET /whoami', problem(404, 'not_found', 'nothing there'));
  expect((await signalbox(['whoami'], { env: env() })).err).toBe('error: nothing there\n');
});

test('faults of an input are listed with their places, control codes taken out', async () => {
  rest.on(
    'POST /tools/a/b/call',
    problem(400, 'invalid', 'the arguments\u001b[2J are wrong', {
      errors: [
        { pointer: '/path', detail: 'is missing\u0007' },
        { pointer: '', detail: 'is odd' },
      ],
    }),
  );
  expect((await signalbox(['call', 'a/b'], { env: env() })).err).toBe('error: the arguments are wrong\n  /path: is missing\n  /: is odd\n');
  rest.on(
    'POST /tools/a/b/call',
    problem(400, 'invalid', 'arguments: /path: is missing', { errors: [{ pointer: '/path', detail: 'is missing' }] }),
  );
  expect((await signalbox(['call', 'a/b'], { env: env() })).err).toBe('error: arguments: /path: is missing\n');
  rest.on(
    'POST /tools/a/b/call',
    problem(400, 'invalid', 'the arguments\u001b[2J are wrong', {
      errors: [
        { pointer: '/path', detail: 'is missing\u0007' },
        { pointer: '', detail: 'is odd' },
      ],
    }),
  );
  expect((await signalbox(['call', 'a/b', '--json'], { env: env() })).err).toBe(
    '{"error":{"code":"invalid","message":"the arguments\\u001b[2J are wrong","errors":[{"pointer":"/path","detail":"is missing\\u0007"},{"pointer":"","detail":"is odd"}]}}\n',
  );
});

test('nobody listening, and somebody else listening, are told apart', async () => {
  const nobody = await signalbox(['call', 'a/b', '--url', 'http://127.0.0.1:9'], { env: env() });
  expect(nobody.exit).toBe(3);
  expect(nobody.err).toContain('cannot reach http://127.0.0.1:9');
  expect(nobody.err).toContain('Start it with npm start');
  rest.on('GET /whoami', new Reply(200, '<html>hello</html>'));
  const other = await signalbox(['whoami'], { env: env() });
  expect(other).toMatchObject({
    exit: 3,
    err: 'error: the answer is not JSON: is this the address of Signalbox?\n  next: Check SIGNALBOX_URL.\n',
  });
  expect(await signalbox(['whoami', '--url', 'ftp://x'])).toMatchObject({
    exit: 2,
    err: expect.stringContaining('ftp://x is not an address'),
  });
  expect((await signalbox(['whoami', '--url', 'nonsense'])).exit).toBe(2);
});

test('a wrong command line is exit code 2 with a hint', async () => {
  expect(await signalbox(['rnu'])).toMatchObject({ exit: 2, err: expect.stringContaining("unknown command 'rnu'") });
  expect(await signalbox(['agents', '--limit', '0'])).toMatchObject({ exit: 2, err: expect.stringContaining('must be a positive number') });
  expect(await signalbox(['run'])).toMatchObject({ exit: 2, err: expect.stringContaining("missing required argument 'workflow'") });
  expect(await signalbox(['apply'])).toMatchObject({ exit: 2, err: expect.stringContaining('-f, --file') });
  expect((await signalbox(['agents', '--nope', '--json'])).err).toBe(
    '{"error":{"code":"usage","message":"error: unknown option \'--nope\'"}}\n',
  );
});

test('help and version are no failures', async () => {
  expect(await signalbox(['--version'])).toEqual({ exit: 0, out: `${version}\n`, err: '' });
  expect(await signalbox(['version'])).toEqual({ exit: 0, out: `signalbox ${version}\n`, err: '' });
  const help = await signalbox(['--help']);
  expect([help.exit, help.out]).toEqual([0, expect.stringContaining('Exit codes:')]);
  expect((await signalbox(['run', '--help'])).out).toContain('--idempotency-key');
  expect((await signalbox([])).exit).toBe(2);
});

test('the local stack and its key are found here, above, by --data and by SIGNALBOX_DATA', async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, '.signalbox');
  await mkdir(join(folder.path, 'deep/er'), { recursive: true });
  await mkdir(data);
  rest.on('GET /whoami', { name: 'admin', principal: 'user_1', roles: [], scopes: [], workspace: 'w' });
  await writeFile(join(data, 'stack.json'), JSON.stringify({ url: rest.url, pid: process.pid }));
  await writeFile(join(data, 'admin.key'), 'sbx_admin\n');
  const inside = { cwd: join(folder.path, 'deep/er') };
  expect((await signalbox(['whoami'], inside)).out).toContain(`(${data})`);
  expect(rest.seen.at(-1)?.headers.authorization).toBe('Bearer sbx_admin');
  expect((await signalbox(['whoami', '--data', '../.signalbox'], { cwd: join(folder.path, 'deep') })).exit).toBe(0);
  expect((await signalbox(['whoami'], { cwd: '/', env: { SIGNALBOX_DATA: data } })).exit).toBe(0);
  await signalbox(['whoami'], { ...inside, env: { SIGNALBOX_API_KEY: 'sbx_mine' } });
  expect(rest.seen.at(-1)?.headers.authorization).toBe('Bearer sbx_mine');
});

test('the key of the local stack is sent to the local stack alone', async () => {
  await using folder = await temporaryFolder();
  const other = await RestDouble.start();
  try {
    for (const one of [rest, other]) one.on('GET /whoami', { name: 'x', principal: 'p', roles: [], scopes: [], workspace: 'w' });
    await writeFile(join(folder.path, 'stack.json'), JSON.stringify({ url: rest.url, pid: process.pid }));
    await writeFile(join(folder.path, 'admin.key'), 'sbx_admin');
    await signalbox(['whoami', '--data', folder.path], { env: { SIGNALBOX_URL: other.url } });
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
    await signalbox(['whoami', '--data', folder.path, '--url', `${rest.url}/`]);
    expect(rest.seen[0]?.headers.authorization).toBe('Bearer sbx_admin');
  } finally {
    await other.stop();
  }
});

test('a stack that is not there, not running, half written or somebody else’s is said so', async () => {
  await using folder = await temporaryFolder();
  const at = ['whoami', '--data', folder.path];
  expect(await signalbox(at)).toMatchObject({ exit: 3, err: expect.stringContaining(`no running Signalbox was found (${folder.path})`) });
  const stack = join(folder.path, 'stack.json');
  await writeFile(stack, '{"url":');
  expect((await signalbox(at)).err).toContain('no running Signalbox was found');
  await writeFile(stack, '{}');
  expect((await signalbox(at)).err).toContain('no running Signalbox was found');
  await writeFile(stack, JSON.stringify({ url: rest.url, pid: 2 ** 22 + 12345 }));
  expect(await signalbox(at)).toMatchObject({
    exit: 3,
    err: `error: the local Signalbox of ${folder.path} is not running\n  next: Start it with npm start.\n`,
  });
  rest.on('GET /whoami', problem(401, 'unauthenticated', 'no key', { next: 'Send one.' }));
  await writeFile(stack, JSON.stringify({ url: rest.url }));
  expect(await signalbox(at)).toMatchObject({ exit: 4, err: 'error: no key\n  next: Set SIGNALBOX_API_KEY to a key of this Signalbox.\n' });
  await mkdir(join(folder.path, 'admin.key'));
  await chmod(join(folder.path, 'admin.key'), 0o000);
  expect(await signalbox(at)).toMatchObject({ exit: 4, err: expect.stringContaining('cannot read the key') });
});

test('colour is for terminals, and NO_COLOR, --no-color, TERM=dumb and FORCE_COLOR decide', async () => {
  rest.on(
    'GET /agents',
    page([{ name: 'a', kind: 'mcp', status: 'failed', version: 1, instances: { live: 0, capacity: 0, inFlight: 0 }, skills: [] }]),
  );
  const isColoured = async (more: Record<string, string>, args: string[] = [], terminal: number | undefined = 80): Promise<boolean> => {
    const printed = await signalbox(['agents', ...args], { env: { ...env(), ...more }, ...(terminal && { terminal }) });
    return printed.out.includes('\u001b[31m');
  };
  expect(await isColoured({})).toBe(true);
  expect(await isColoured({ NO_COLOR: '1' })).toBe(false);
  expect(await isColoured({}, ['--no-color'])).toBe(false);
  expect(await isColoured({ TERM: 'dumb' })).toBe(false);
  expect(await isColoured({}, ['--json'])).toBe(false);
  expect(await isColoured({}, [], 0)).toBe(false);
  expect(await isColoured({ FORCE_COLOR: '1' }, [], 0)).toBe(true);
  expect(await isColoured({ FORCE_COLOR: '0' })).toBe(false);
});
