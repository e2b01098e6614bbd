import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { testCase } from '../cases/case.ts';
import { root, StackUnderTest } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import { Load } from './load.ts';

let kept: string;
let stack: StackUnderTest;

beforeAll(async () => {
  kept = await mkdtemp(join(tmpdir(), 'signalbox-kept-'));
  stack = await StackUnderTest.create();
}, 60_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  if (kept) await rm(kept, { recursive: true, force: true });
}, 60_000);

/** `signalbox …` on the stack's data folder, whether it runs or not; resolves with what it said. */
async function operate(...args: string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [join(root, 'packages', 'sdk', 'bin', 'signalbox.mjs'), ...args, '--data', stack.data], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.once('close', resolve));
  return { code, said: said.trim().replaceAll(kept, 'KEPT').replaceAll(stack.data, 'DATA') };
}

/** All that must be the same before and after: runs with their outputs, artifacts, the head of the audit. */
async function contents(): Promise<object> {
  const client = await stack.client();
  const runs = await Array.fromAsync(client.runs.list({ limit: 200 }));
  const artifacts = await Array.fromAsync(client.artifacts.list({ limit: 200 }));
  return {
    runs: await Promise.all(
      runs.map(async ({ id }) => {
        const { status, output, endedAt } = await client.runs.get(id);
        return { id, status, output, endedAt };
      }),
    ),
    artifacts: await Promise.all(artifacts.map(async ({ id, sha256 }) => ({ id, sha256, text: await client.artifacts.text(id) }))),
    agents: (await Array.fromAsync(client.agents.list())).map(({ name, version, hash }) => ({ name, version, hash })),
  };
}

testCase(
  'F40',
  'a backup is made, everything is destroyed, and the backup is restored into an empty installation',
  async (happened) => {
    await stack.start('--no-example');
    const since = Date.now();
    {
      await using load = await Load.on(stack);
      await load.begin(9);
      await load.end();
    }
    const before = await contents();
    const file = join(kept, 'all.backup.gz');
    const written = await operate('backup', file); // beside the running services
    happened(written.said);
    expect(written.code).toBe(0);
    await copyFile(join(stack.data, 'security', 'master.key'), join(kept, 'master.key'));
    await copyFile(join(stack.data, 'admin.key'), join(kept, 'admin.key'));
    expect(await stack.stop()).toBe(0);
    await rm(stack.data, { recursive: true });

    await writeFile(join(kept, 'other.key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    const refused = await operate('restore', file, '--master-key', join(kept, 'other.key'));
    happened(`with another master key: ${refused.said}`);
    expect(refused).toEqual({ code: 1, said: expect.stringContaining('master key') as unknown });
    const restored = await operate('restore', file, '--master-key', join(kept, 'master.key'));
    happened(restored.said);
    expect(restored.code).toBe(0);
    await copyFile(join(kept, 'admin.key'), join(stack.data, 'admin.key'));
    await stack.start('--no-example');
    expect(await contents()).toEqual(before);
    happened('runs with their outputs, artifacts and agents are as before');
    happened(await expectVerified(stack, since));
  },
  180_000,
);

testCase(
  'F40',
  'a start with another master key, and one without it',
  async (happened) => {
    expect(await stack.stop()).toBe(0);
    const key = join(stack.data, 'security', 'master.key');
    const away = join(kept, 'put-aside');
    await rename(key, away);
    for (const [what, put] of [
      ['without the master key', async () => undefined],
      ['with another master key', () => writeFile(key, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })],
    ] as const) {
      await put();
      await expect(stack.start('--no-example')).rejects.toThrow(/master key/);
      const said = /the master key [^\n]*/.exec(stack.output)?.[0];
      happened(`${what}: it refuses to start, and says “${said?.replace(key, 'FILE')}”`);
      expect(said).toMatch(/put .*(?:back|there)/);
    }
    await rm(key);
    await rename(away, key);
    await stack.start('--no-example');
    await stack.allUp();
    happened('with its own key it starts');
  },
  120_000,
);
