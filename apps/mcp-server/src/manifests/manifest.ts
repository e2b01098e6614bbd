import type { Containment, McpTransport } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';

/** A folder that a stdio server may see; a plain path may be read. */
export type Root = string | { path: string; access: 'read' | 'write' };

export interface RestartSpec {
  initialMs?: number;
  maxMs?: number;
  crashesMax?: number;
  withinMs?: number;
}

interface CommonSpec {
  startTimeoutMs?: number;
  callTimeoutMs?: number;
  restart?: RestartSpec;
}

export interface StdioSpec extends CommonSpec {
  transport: 'stdio';
  command: string[];
  env?: Record<string, string>;
  cwd?: string;
  roots?: Root[];
  network?: boolean;
  containment?: Containment;
}

export interface HttpSpec extends CommonSpec {
  transport: 'streamable-http';
  url: string;
  headers?: Record<string, string>;
}

export type McpServerSpec = StdioSpec | HttpSpec;

export interface McpServerManifest {
  apiVersion: 'signalbox.dev/v1';
  kind: 'McpServer';
  metadata: { name: string; labels?: Record<string, string>; description?: string };
  spec: McpServerSpec;
}

/** From the start of a server to its list of tools. */
export const startTimeoutDefaultMs = 20_000;
export const callTimeoutDefaultMs = 60_000;

/** Whether somebody who applies it decides which program runs on the host. */
export function namesCommand(spec: { transport: McpTransport }): boolean {
  return spec.transport === 'stdio';
}
