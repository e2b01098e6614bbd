import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostTools, levelOf } from '@signalbox/supervisor/containment/tools.js';
import { type McpServerService, referenceServer, startMcpServer, textOf } from './service.ts';

const level = levelOf(await hostTools());
let mcp: McpServerService;
let served: string;
beforeAll(async () => {
  mcp = await startMcpServer();
  served = join(mcp.folder, 'data');
  for (const folder of ['data', 'data-evil']) await mkdir(join(mcp.folder, folder));
  await writeFile(join(served, 'hello.txt'), 'hello from the folder');
  await writeFile(join(mcp.folder, 'data-evil/secret.txt'), 'secret');
  await symlink(join(mcp.folder, 'data-evil/secret.txt'), join(served, 'link.txt'));
});
afterAll(() => mcp[Symbol.asyncDispose]());

test('server-everything is contained, listed and called', async () => {
  await mcp.apply('everything', { transport: 'stdio', command: ['node', referenceServer('everything'), 'stdio'] });
  const server = await mcp.ready('everything');
  expect(server.containment).toBe(level);
  expect(server.tools).toBeGreaterThan(5);
  expect(textOf(await mcp.call('everything', 'echo', { message: 'hi' }))).toBe('Echo: hi');
  await expect(mcp.call('everything', 'get-structured-content', { location: 'New York' })).resolves.toMatchObject({
    structuredContent: { conditions: 'Cloudy' },
  });
});

test('A47 server-filesystem reads its folder, and nothing beside, above or behind a link', async () => {
  await mcp.apply('files', { transport: 'stdio', command: ['node', referenceServer('filesystem'), served], roots: [served] });
  await mcp.ready('files');
  expect(textOf(await mcp.call('files', 'read_text_file', { path: join(served, 'hello.txt') }))).toBe('hello from the folder');
  for (const path of ['../data-evil/secret.txt', 'link.txt', '../../../etc/passwd']) {
    const reply = await mcp.call('files', 'read_text_file', { path: join(served, path) });
    expect(reply.isError).toBe(true);
    expect(textOf(reply)).not.toContain('secret\n');
  }
});

test('server-memory keeps what it is told in its own folder, over restarts of the service', async () => {
  const spec = { transport: 'stdio', command: ['node', referenceServer('memory')], env: { MEMORY_FILE_PATH: '${state}/memory.json' } };
  await mcp.apply('memory', spec);
  await mcp.ready('memory');
  const entities = [{ name: 'bus', entityType: 'service', observations: ['carries messages'] }];
  await expect(mcp.call('memory', 'create_entities', { entities })).resolves.toMatchObject({ isError: false });
  await mcp.service.stop();
  await mcp.service.start();
  await mcp.ready('memory');
  expect(textOf(await mcp.call('memory', 'read_graph'))).toContain('carries messages');
});
