import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mcpServers } from '../src/mcp-servers.ts';
import { OwnPostgres } from '../src/own-postgres.ts';
import { withClient } from '../src/test-postgres.ts';

/** Sends the first request of the protocol, and gives the server's name. */
async function nameOf([command, ...args]: string[]): Promise<string> {
  const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
    let text = '';
    for await (const piece of child.stdout) {
      text += String(piece);
      if (text.includes('\n')) break;
    }
    return (JSON.parse(text.split('\n')[0]!) as { result: { serverInfo: { name: string } } }).result.serverInfo.name;
  } finally {
    child.kill();
  }
}

test('real MCP servers start from what is installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-peers-'));
  try {
    await expect(nameOf(mcpServers.everything())).resolves.toContain('everything');
    await expect(nameOf(mcpServers.filesystem(folder))).resolves.toContain('filesystem');
    await expect(nameOf(mcpServers.memory())).resolves.toContain('memory');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a PostgreSQL of a test’s own keeps what was acknowledged over a crash', async () => {
  await using postgres = await OwnPostgres.start();
  await withClient(postgres.url, async (client) => {
    await client.query('CREATE TABLE kept (n int)');
    await client.query('INSERT INTO kept VALUES (7)');
  });
  const before = postgres.url;
  await postgres.restart({ awayMs: 50 });
  expect(postgres.url).toBe(before);
  await expect(withClient(postgres.url, async (client) => (await client.query('SELECT n FROM kept')).rows)).resolves.toEqual([{ n: 7 }]);
});
