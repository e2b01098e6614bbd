import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { withClient } from '@signalbox/stack/database/connect.js';
import { fetchNatsServer } from '@signalbox/stack/nats/fetch-binary.js';
import { CannotRun, testCase } from '../cases/case.ts';
import { root, until } from '../stack-under-test.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

const run = promisify(execFile);
let two: TwoWorkspaces;

beforeAll(async () => {
  two = await TwoWorkspaces.start();
});
afterAll(() => two?.[Symbol.asyncDispose]());

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-supply-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

testCase('A14', 'an altered nats-server download is not put in place, and is named', async (happened) => {
  await inFolder(async (folder) => {
    const archive = gzipSync(Buffer.from('an archive that somebody changed'));
    const attempt = fetchNatsServer(folder, {
      debian: () => Promise.reject(new Error('no apt here')),
      download: () => Promise.resolve(archive),
      sha256: { [`${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`]: '0'.repeat(64) },
    });
    await expect(attempt).rejects.toThrow(/nats-server/);
    expect(await readdir(folder)).toEqual([]);
    happened((await attempt.catch((error: Error) => error.message)).split('\n')[0]!.slice(0, 160));
  });
});

testCase('A14', 'an altered package is not installed, and is named', async (happened) => {
  await inFolder(async (folder) => {
    await mkdir(join(folder, 'package'));
    await writeFile(join(folder, 'package', 'package.json'), '{"name":"tampered","version":"1.0.0"}');
    await run('tar', ['-czf', join(folder, 'tampered.tgz'), '-C', folder, 'package']);
    const bytes = await readFile(join(folder, 'tampered.tgz'));
    const promised = `sha512-${createHash('sha512').update('what was published').digest('base64')}`;
    const registry = createServer((request, response) => {
      if (request.url!.endsWith('.tgz')) return response.end(bytes);
      const tarball = `http://127.0.0.1:${port}/tampered/-/tampered-1.0.0.tgz`;
      response.setHeader('content-type', 'application/json');
      return response.end(
        JSON.stringify({
          name: 'tampered',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': { name: 'tampered', version: '1.0.0', dist: { tarball, integrity: promised } } },
        }),
      );
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => registry.once('listening', resolve));
    const { port } = registry.address() as { port: number };
    try {
      const project = join(folder, 'project');
      await mkdir(project);
      await writeFile(join(project, 'package.json'), '{"name":"p","version":"1.0.0","dependencies":{"tampered":"1.0.0"}}');
      const failed = await run(
        join(root, 'node_modules', '.bin', 'pnpm'),
        [
          'install',
          `--registry=http://127.0.0.1:${port}/`,
          '--store-dir',
          join(folder, 'store'),
          '--config.fetch-retries=0',
          '--config.minimum-release-age=0',
        ],
        { cwd: project },
      ).then(
        () => null,
        (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
      );
      expect(failed).toMatch(/TARBALL_INTEGRITY|integrity/i);
      expect(failed).toContain('tampered');
      expect(await readdir(join(project, 'node_modules', 'tampered')).catch(() => null)).toBeNull();
      happened('pnpm refuses it: ERR_PNPM_TARBALL_INTEGRITY names the package; nothing is in node_modules');
    } finally {
      registry.close();
    }
  });
});

testCase(
  'A14',
  'an image whose signature does not match is not run, and is named',
  async (happened) => {
    for (const [tool, flag] of [
      ['gpg', '--version'],
      ['podman', '--version'],
      ['buildah', '--version'],
    ] as const) {
      await run(tool, [flag]).catch(() => {
        throw new CannotRun(`${tool} is not installed`);
      });
    }
    await inFolder(async (folder) => {
      const env = {
        ...process.env,
        GNUPGHOME: join(folder, 'gpg'),
        STORAGE_DRIVER: 'vfs',
        BUILDAH_ISOLATION: 'chroot',
        XDG_DATA_HOME: join(folder, 'data'),
      };
      const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
      await mkdir(env.GNUPGHOME, { mode: 0o700 });
      await run('gpg', ['--batch', '--passphrase', '', '--quick-gen-key', 'release@signalbox.invalid', 'ed25519', 'sign', 'never'], {
        env,
      });
      await writeFile(
        join(folder, 'release.gpg'),
        (await run('gpg', ['--export', 'release@signalbox.invalid'], { env, encoding: 'buffer' })).stdout,
      );
      const policy = join(folder, 'policy.json');
      await writeFile(
        policy,
        JSON.stringify({
          default: [{ type: 'reject' }],
          transports: {
            dir: {
              '': [
                {
                  type: 'signedBy',
                  keyType: 'GPGKeys',
                  keyPath: join(folder, 'release.gpg'),
                  signedIdentity: { type: 'exactReference', dockerReference: 'signalbox.invalid/registry:1' },
                },
              ],
            },
          },
        }),
      );
      const open = join(folder, 'open.json');
      await writeFile(open, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
      const { stdout } = await run('buildah', [...storage, 'from', 'scratch'], { env });
      await writeFile(join(folder, 'program'), 'the program');
      await run('buildah', [...storage, 'copy', stdout.trim(), join(folder, 'program'), '/program'], { env });
      await run('buildah', [...storage, 'commit', '--quiet', stdout.trim(), 'signalbox.invalid/registry:1'], { env });
      const [signed, unsigned] = [join(folder, 'signed'), join(folder, 'unsigned')];
      for (const target of [signed, unsigned])
        await run('podman', [...storage, 'push', '--quiet', '--signature-policy', open, 'signalbox.invalid/registry:1', `dir:${target}`], {
          env,
        });
      const digest = createHash('sha256')
        .update(await readFile(join(signed, 'manifest.json')))
        .digest('hex');
      const identity = { 'docker-reference': 'signalbox.invalid/registry:1' };
      const critical = { type: 'atomic container signature', image: { 'docker-manifest-digest': `sha256:${digest}` }, identity };
      await writeFile(join(folder, 'payload'), JSON.stringify({ critical, optional: {} }));
      await run('gpg', ['--batch', '--output', join(signed, 'signature-1'), '--sign', join(folder, 'payload')], { env });
      const pull = (from: string): Promise<string> =>
        run('podman', [...storage, 'pull', '--quiet', '--signature-policy', policy, `dir:${from}`], { env }).then(
          () => 'accepted',
          (error: { stderr: string }) => error.stderr,
        );
      expect(await pull(signed)).toBe('accepted');
      const said = await pull(unsigned);
      expect(said).toMatch(/signature/i);
      expect(said).toMatch(/rejected/);
      const manifest = join(signed, 'manifest.json');
      const text = await readFile(manifest, 'utf8');
      await writeFile(manifest, `${text} `);
      expect(await pull(signed)).toMatch(/signature|digest|rejected/i);
      await writeFile(manifest, text);
      happened(`unsigned and altered images are refused by a signedBy policy: ${said.trim().split('\n').at(-1)!.slice(0, 120)}`);
    });
  },
  120_000,
);

testCase('A28', 'keys are sought in arguments, environments of children, logs, URLs and files; files are 0600', async (happened) => {
  const { stack } = two;
  const secrets = await secretsOf();
  await stack.rest('PUT', '/api/v1/mcp-servers/child', {
    body: {
      apiVersion: 'signalbox.dev/v1',
      kind: 'McpServer',
      metadata: { name: 'child' },
      spec: { transport: 'stdio', command: ['node', join(root, 'e2e', 'security', 'evil-server.mjs')] },
    },
  });
  await until(
    'the child is ready',
    async () => ((await stack.rest('GET', '/api/v1/mcp-servers/child')).body as { status: string }).status === 'ready',
  );
  const { body } = await stack.rest('POST', '/api/v1/tools/child/do/call', { body: { arguments: { deed: 'env' } } });
  const child = JSON.stringify(body);
  const found: string[] = [];
  const look = (where: string, text: string): void => {
    for (const [name, secret] of Object.entries(secrets)) if (text.includes(secret)) found.push(`${name} in ${where}`);
  };
  look('the environment of a child', child);
  expect(
    Object.keys(JSON.parse((body as { content: { text: string }[] }).content[0]!.text) as object).filter((name) =>
      /DATABASE|NATS|KEY|SIGNALBOX_(?!CHILD|SUPERVISOR)/.test(name),
    ),
  ).toEqual([]);
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)))
    look(`arguments of ${pid}`, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  const logs = join(stack.data, 'logs');
  for (const name of await readdir(logs)) look(name, await readFile(join(logs, name), 'utf8'));
  let files = 0;
  for (const entry of await readdir(stack.data, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /\/(?:postgres|cache|bin)\//.test(path)) continue;
    const text = await readFile(path, 'utf8').catch(() => '');
    if (!Object.values(secrets).some((secret) => text.includes(secret)) && !/\.creds$|master\.key$/.test(path)) continue;
    files++;
    const { mode } = await stat(path);
    if (mode & 0o077) found.push(`${path} has mode ${(mode & 0o777).toString(8)}`);
  }
  expect(found).toEqual([]);
  expect(files).toBeGreaterThan(8);
  expect(new Set(Object.values(secrets)).size).toBe(Object.keys(secrets).length);
  for (const secret of Object.values(secrets)) expect(secret).not.toMatch(/^(?:admin|password|secret|changeme|signalbox|postgres)$/i);
  happened(
    `${Object.keys(secrets).length} secrets: in no argument, child or log; ${files} files that hold one are 0600; each is of this installation alone`,
  );
});

/** The installation's own secrets, by what they are. */
async function secretsOf(): Promise<Record<string, string>> {
  const { data } = two.stack;
  const passwords = JSON.parse(await readFile(join(data, 'passwords.json'), 'utf8')) as {
    superuser: string;
    roles: Record<string, string>;
  };
  const seeds = (await readFile(join(data, 'creds', 'security.creds'), 'utf8')).match(/SU[A-Z0-9]{50,}/)!;
  return {
    "the administrator's key": two.admin,
    "the other workspace's key": two.theirs.key,
    'the master key': (await readFile(join(data, 'security', 'master.key'), 'utf8')).trim(),
    'the password of the superuser': passwords.superuser,
    ...Object.fromEntries(Object.entries(passwords.roles).map(([role, password]) => [`the password of ${role}`, password])),
    'the NATS seed of security': seeds[0],
  };
}

/** Canonical JSON (RFC 8785) of what audit entries hold. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonical(child)}`).join()}}`;
}

testCase(
  'A59',
  'a row changed, removed, reordered, the tail cut, the chain rebuilt: audit verify names it',
  async (happened) => {
    const { stack } = two;
    const workspace = await two.workspaceOf(two.admin);
    for (let index = 0; index < 6; index++)
      await stack.rest('POST', '/api/v1/principals', { body: { kind: 'service-account', name: `audited-${index}`, roles: ['viewer'] } });
    const entries = async (): Promise<number> =>
      Number(
        (await two.sql<{ n: string }>('superuser', `SELECT count(*) AS n FROM security.audit_entry WHERE workspace = $1`, [workspace]))[0]!
          .n,
      );
    await until('all is chained', async () => (await entries()) >= 7, 10_000);
    const intact = await stack.cli('audit', 'verify');
    expect([intact.code, intact.out]).toEqual([0, expect.stringContaining('intact')]);
    const last = await entries();
    const rebuild = `DELETE FROM security.audit_entry WHERE workspace = '${workspace}' AND seq = 3`;
    const attacks: [what: string, statements: string[], says: RegExp][] = [
      [
        'a row changed',
        [`UPDATE security.audit_entry SET target = 'nothing' WHERE workspace = '${workspace}' AND seq = 3`],
        /entry 3 is not what was written/,
      ],
      [
        'a detail changed',
        [`UPDATE security.audit_entry SET detail = '{"roles":["admin"]}' WHERE workspace = '${workspace}' AND seq = 4`],
        /entry 4 is not what was written/,
      ],
      ['a row removed', [`DELETE FROM security.audit_entry WHERE workspace = '${workspace}' AND seq = 3`], /entry 3 is missing/],
      [
        'two rows exchanged',
        [
          `UPDATE security.audit_entry SET seq = -3 WHERE workspace = '${workspace}' AND seq = 3`,
          `UPDATE security.audit_entry SET seq = 3 WHERE workspace = '${workspace}' AND seq = 4`,
          `UPDATE security.audit_entry SET seq = 4 WHERE workspace = '${workspace}' AND seq = -3`,
        ],
        /entry 3 is not what was written/,
      ],
      [
        'the tail cut',
        [`DELETE FROM security.audit_entry WHERE workspace = '${workspace}' AND seq > ${last - 2}`],
        /the chain ends at entry/,
      ],
      [
        'the tail cut, and the head with it',
        [
          `DELETE FROM security.audit_entry WHERE workspace = '${workspace}' AND seq > ${last - 2}`,
          `UPDATE security.audit_head SET seq = ${last - 2}, hash = (SELECT hash FROM security.audit_entry WHERE workspace = '${workspace}' AND seq = ${last - 2}) WHERE workspace = '${workspace}'`,
        ],
        /its end was cut/,
      ],
      ['the whole chain rebuilt without an entry', [rebuild, 'REBUILD'], /built anew|its end was cut/],
    ];
    await two.sql('superuser', 'CREATE SCHEMA kept');
    await two.sql('superuser', 'CREATE TABLE kept.entry AS SELECT * FROM security.audit_entry');
    await two.sql('superuser', 'CREATE TABLE kept.head AS SELECT * FROM security.audit_head');
    const seen: string[] = [];
    for (const [what, statements, says] of attacks) {
      for (const statement of statements) {
        if (statement === 'REBUILD') await rebuilt(workspace);
        else await two.sql('superuser', statement);
      }
      const { code, err } = await stack.cli('audit', 'verify');
      expect([what, code]).toEqual([what, 1]);
      expect([what, err]).toEqual([what, expect.stringMatching(says)]);
      seen.push(what);
      await withClient(await two.databaseUrl('superuser'), async (client) => {
        await client.query(
          'BEGIN; DELETE FROM security.audit_entry; INSERT INTO security.audit_entry SELECT * FROM kept.entry; DELETE FROM security.audit_head; INSERT INTO security.audit_head SELECT * FROM kept.head; COMMIT',
        );
      });
    }
    expect((await stack.cli('audit', 'verify')).code).toBe(0);
    happened(`${seen.join(', ')}: named, exit code 1`);
  },
  90_000,
);

/** Numbers and hashes the entries anew, as somebody would who holds the database and knows the format. */
async function rebuilt(workspace: string): Promise<void> {
  await withClient(await two.databaseUrl('superuser'), async (client) => {
    const { rows } = await client.query<Record<string, unknown> & { seq: string; at: Date; detail: unknown }>(
      'SELECT seq, id, at, service, principal, name, action, target, outcome, detail FROM security.audit_entry WHERE workspace = $1 ORDER BY seq',
      [workspace],
    );
    let hash = Buffer.alloc(32);
    let seq = 0;
    for (const { seq: old, at, detail, ...facts } of rows) {
      seq++;
      const entry = { workspace, ...facts, seq, at: at.getTime(), ...(detail ? { detail } : {}) };
      hash = createHash('sha256').update(hash).update(canonical(entry)).digest();
      await client.query('UPDATE security.audit_entry SET seq = $3, hash = $4 WHERE workspace = $1 AND seq = $2', [
        workspace,
        old,
        seq,
        hash,
      ]);
    }
    await client.query('UPDATE security.audit_head SET seq = $2, hash = $3 WHERE workspace = $1', [workspace, seq, hash]);
  });
}
