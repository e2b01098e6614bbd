import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyMcpServer, type ApplyMcpServerReply } from '@signalbox/shared/contracts/mcp-server/apply-mcp-server.js';
import { callTool, type CallToolReply, type CallToolRequest } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { getMcpServer, type GetMcpServerReply } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import type { TestRequestOptions } from '@signalbox/testkit/test-bus.js';
import type { McpServerSpec } from '../src/manifests/manifest.ts';

export const fixture = fileURLToPath(new URL('./fixtures/server.mjs', import.meta.url));
const fromTestkit = createRequire(fileURLToPath(new URL('../../../packages/testkit/package.json', import.meta.url)));

/** The program of one of the reference servers. */
export function referenceServer(name: 'everything' | 'filesystem' | 'memory'): string {
  return fromTestkit.resolve(`@modelcontextprotocol/server-${name}/dist/index.js`);
}

export function manifestOf(name: string, spec: object, description?: string): Record<string, unknown> {
  return { apiVersion: 'signalbox.dev/v1', kind: 'McpServer', metadata: { name, ...(description && { description }) }, spec };
}

/** A stdio server that behaves as its mode says. */
export function fixtureSpec(mode: string, args: string[] = [], more: Partial<McpServerSpec> = {}): object {
  return { transport: 'stdio', command: ['node', fixture, mode, ...args], ...more };
}

/** The service with what its tests do again and again. */
export class McpServerService {
  constructor(
    readonly service: ServiceUnderTest,
    readonly folder: string,
  ) {}

  apply(name: string, spec: object, options: TestRequestOptions = {}): Promise<ApplyMcpServerReply> {
    return this.service.request(applyMcpServer, { name, manifest: manifestOf(name, spec) }, options);
  }

  get(name: string, options: TestRequestOptions = {}): Promise<GetMcpServerReply> {
    return this.service.request(getMcpServer, { name }, options);
  }

  call(
    server: string,
    tool: string,
    args: Record<string, unknown> = {},
    more: Partial<CallToolRequest> = {},
    options: TestRequestOptions = {},
  ): Promise<CallToolReply> {
    return this.service.request(callTool, { server, tool, arguments: args, ...more }, options);
  }

  /** Waits until the server is as described. */
  async until(name: string, isSo: (server: GetMcpServerReply) => boolean, ms = 25_000): Promise<GetMcpServerReply> {
    let last: unknown;
    for (const end = performance.now() + ms; performance.now() < end;) {
      const server = await this.get(name).catch((thrown: unknown) => void (last = thrown)); // it may be starting itself
      if (server && isSo(server)) return server;
      last = server ?? last;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${name} is not so within ${ms} ms: ${JSON.stringify(last)}`);
  }

  ready(name: string): Promise<GetMcpServerReply> {
    return this.until(name, ({ status }) => status === 'ready');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function startMcpServer(env: Record<string, string> = {}): Promise<McpServerService> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-server-'));
  const service = await startService(async () => (await import('../src/mcp-server.module.ts')).McpServerModule, {
    service: 'mcp-server',
    env: { STATE_DIR: join(folder, 'state'), COMMAND_CWD: folder, OUTBOUND_ALLOW_INTERNAL: '127.0.0.1', ...env },
  });
  return new McpServerService(service, folder);
}

export function textOf(reply: CallToolReply): string {
  return (reply.content as { text?: string }[]).map(({ text = '' }) => text).join('\n');
}
