import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type Containment = 'none' | 'basic' | 'medium' | 'strong';
export type McpServerStatus = 'starting' | 'ready' | 'degraded' | 'failed' | 'stopped';

export interface McpServer {
  id: string;
  name: string;
  description: string;
  labels: Labels;
  transport: 'stdio' | 'streamable-http' | (string & {});
  status: McpServerStatus;
  statusReason?: string;
  /** How well the process of a stdio server is kept from the rest of the machine. */
  containment?: Containment;
  tools: number;
  restarts: number;
  nextAttemptAt?: string;
  /** Since when it is ready. */
  startedAt?: string;
  version: number;
  createdAt: string;
  updatedAt: string;
}

/** One server, with what only its own page shows. */
export interface McpServerDetail extends McpServer {
  /** The last lines that it wrote to its standard error. */
  stderr: string[];
  /** What it says of itself; null until it answered once. */
  serverInfo: { name?: string; version?: string; [key: string]: unknown } | null;
  manifest: Manifest<McpServerSpec>;
}

/** `spec` of a manifest of kind McpServer. */
export type McpServerSpec = (
  | {
      transport: 'stdio';
      command: string[];
      env?: Record<string, string>;
      cwd?: string;
      roots?: (string | { path: string; access: 'read' | 'write' })[];
      network?: boolean;
      containment?: Containment;
    }
  | { transport: 'streamable-http'; url: string; headers?: Record<string, string> }
) & { startTimeoutMs?: number; callTimeoutMs?: number; restart?: unknown };

export interface McpServerQuery extends ListQuery {
  status?: McpServerStatus | undefined;
  transport?: McpServer['transport'] | undefined;
}

/** `/mcp-servers`: the upstream MCP servers. */
export class McpServers {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: McpServerQuery = {}, options: RequestOptions = {}): Pages<McpServer> {
    return new Pages(this.#http, '/mcp-servers', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<McpServerDetail> {
    return this.#http.json({ method: 'GET', path: path`/mcp-servers/${name}`, ...options });
  }

  apply(manifest: Manifest<McpServerSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<McpServer>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/mcp-servers/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/mcp-servers/${name}`, ...options });
  }

  /** Stops the server and starts it anew, also one that was given up. */
  restart(name: string, options: RequestOptions = {}): Promise<McpServer> {
    return this.#http.json({ method: 'POST', path: path`/mcp-servers/${name}/restart`, ...options });
  }
}
