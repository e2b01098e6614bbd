import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { JsonSchema } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export interface Tool {
  server: string;
  name: string;
  title?: string;
  description: string;
  inputSchema: JsonSchema;
  outputSchema?: JsonSchema;
  annotations?: Record<string, unknown>;
}

/** One piece of a tool's answer (MCP 2025-11-25, content blocks). */
export type ContentBlock =
  { type: 'text'; text: string } | { type: 'image' | 'audio'; data: string; mimeType: string } | { type: string; [key: string]: unknown };

/** A tool's answer. `isError`: the tool itself says that it failed. */
export interface ToolResult {
  content: ContentBlock[];
  structuredContent?: Record<string, unknown>;
  isError: boolean;
}

/** One tool with all that its server said of it, and whether that has changed since it was first seen. */
export interface ToolDetail extends Tool {
  definition: Record<string, unknown>;
  hash: string;
  pin: string;
  firstSeenAt: string;
  changedAt?: string;
}

export interface ToolQuery extends ListQuery {
  server?: string | undefined;
}

/** `/tools`: what the MCP servers offer. */
export class Tools {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ToolQuery = {}, options: RequestOptions = {}): Pages<Tool> {
    return new Pages(this.#http, '/tools', query, options);
  }

  get(server: string, tool: string, options: RequestOptions = {}): Promise<ToolDetail> {
    return this.#http.json({ method: 'GET', path: path`/tools/${server}/${tool}`, ...options });
  }

  /** Calls a tool. It is not tried again by itself: only the tool's owner knows whether it may be. */
  call(server: string, tool: string, args: Record<string, unknown> = {}, options: RequestOptions = {}): Promise<ToolResult> {
    return this.#http.json({
      method: 'POST',
      path: path`/tools/${server}/${tool}/call`,
      body: { arguments: args },
      timeoutMs: 120_000,
      ...options,
    });
  }
}

/** The text of a tool's answer. */
export function textOf(result: ToolResult): string {
  return result.content.flatMap((block) => (block.type === 'text' ? [(block as { text: string }).text] : [])).join('\n');
}
