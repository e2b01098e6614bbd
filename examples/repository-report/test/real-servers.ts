import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import type { ToolResult } from '@signalbox/sdk/client/tools.js';

/** One of the example's MCP servers, as a process of its own. */
export interface RealServer extends AsyncDisposable {
  call(tool: string, args: Record<string, unknown>): Promise<ToolResult>;
}

/** Starts the server as the example's manifest does: unmodified, from `node_modules`, over stdio. */
export async function startServer(
  name: 'filesystem' | 'memory',
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<RealServer> {
  const script = new URL(`../node_modules/@modelcontextprotocol/server-${name}/dist/index.js`, import.meta.url).pathname;
  const transport = new StdioClientTransport({ command: process.execPath, args: [script, ...args], env, stderr: 'ignore' });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  return {
    call: async (tool, input) => {
      const result = await client.callTool({ name: tool, arguments: input });
      return { ...result, isError: result.isError === true } as unknown as ToolResult;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** The analyst's view of that server: only the REST call of a tool. */
export function clientOf(server: RealServer, calls: string[] = []): Pick<SignalboxClient, 'tools'> {
  const call = (_: string, tool: string, args: Record<string, unknown>): Promise<ToolResult> => {
    calls.push(tool);
    return server.call(tool, args);
  };
  return { tools: { call } } as unknown as Pick<SignalboxClient, 'tools'>;
}

/** A folder with these files, gone after the test. */
export async function folderWith(files: Record<string, string>): Promise<AsyncDisposable & { path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-report-')));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
