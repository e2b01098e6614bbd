import {
  Client,
  type Progress,
  type StandardSchemaV1,
  StreamableHTTPClientTransport,
  type Tool,
  type Transport,
} from '@modelcontextprotocol/client';
import type { Containment } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { dataWithoutSecrets, withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { version } from '@signalbox/shared/service/ping.js';
import type { Child, ChildExit } from '@signalbox/supervisor/child.js';
import { describeExit } from '@signalbox/supervisor/watch-child.js';
import { pathToFileURL } from 'node:url';
import type { ToolDefinition } from '../catalogue/catalogue.ts';
import { type McpServerSpec, startTimeoutDefaultMs } from '../manifests/manifest.ts';
import type { McpServerConfig } from '../mcp-server.config.ts';
import { ChildTransport } from './child-transport.ts';
import { isTimeout } from './connect-problem.ts';
import { readPages } from './read-pages.ts';
import type { ServerSecrets } from './server-secrets.ts';
import { rootsOf, startServer } from './start-server.ts';

/** What the whole service has for reaching servers. */
export interface ConnectionContext {
  config: McpServerConfig;
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  secrets: ServerSecrets;
}

export interface CallOptions {
  timeoutMs: number;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** A result as the server gave it. */
export type RawResult = Record<string, unknown>;

/** Results are checked by us, not by the SDK's schemas, which would copy them; unknown fields stay. */
const asItIs: StandardSchemaV1<unknown, RawResult> = {
  '~standard': { version: 1, vendor: 'signalbox', validate: (value) => ({ value: value as RawResult }) },
};

/** A server that knows no `server/discover` may ignore it: then `initialize` is tried. */
const probeMs = 3_000;
const pingMs = 5_000;

/** A session with an upstream server, of either era of the protocol. */
export class Connection {
  onToolsChanged: () => void = () => undefined;

  private constructor(
    readonly client: Client,
    private readonly transport: Transport,
    readonly child: Child | null,
    /** Settles with the reason when the session has ended, whoever ended it. */
    readonly closed: Promise<string>,
  ) {}

  /** Starts or reaches a server and opens a session. Rejects with what went wrong; then nothing of it is left. */
  static async open(
    spec: McpServerSpec,
    state: string,
    context: ConnectionContext,
    isLegacy: boolean,
    onChild: (child: Child) => void,
  ): Promise<Connection> {
    const timeoutMs = spec.startTimeoutMs ?? startTimeoutDefaultMs;
    const child = spec.transport === 'stdio' ? await startServer(spec, state, context.config) : null;
    if (child) onChild(child);
    const transport =
      spec.transport === 'stdio'
        ? new ChildTransport(child!, context.config)
        : new StreamableHTTPClientTransport(new URL(spec.url), {
            fetch: context.fetch,
            ...(spec.headers && { requestInit: { headers: spec.headers } }),
          });
    const roots = spec.transport === 'stdio' ? rootsOf(spec, state, context.config.commandCwd) : [];
    const client = new Client(
      { name: 'signalbox', version },
      {
        capabilities: roots.length > 0 ? { roots: { listChanged: false } } : {},
        versionNegotiation: { mode: 'auto', probe: { timeoutMs: Math.min(probeMs, timeoutMs / 2) } },
      },
    );
    if (roots.length > 0) {
      client.setRequestHandler('roots/list', () => ({ roots: roots.map(({ path }) => ({ uri: pathToFileURL(path).href })) }));
    }
    client.onerror = () => undefined; // what matters ends a request or the connection
    let hasClosed: (reason: string) => void = () => undefined;
    const closed = new Promise<string>((resolve) => (hasClosed = resolve));
    try {
      const connecting = client.connect(transport, { timeout: timeoutMs, ...(isLegacy && { prior: { kind: 'legacy' } }) });
      await (child ? Promise.race([connecting, endOf(child)]) : connecting);
    } catch (thrown) {
      await client.close().catch(() => undefined);
      throw child ? await endedBy(thrown, child, transport, timeoutMs) : thrown;
    }
    const connection = new Connection(client, transport, child, closed);
    client.onclose = () => {
      if (child) void child.exited.then((exit) => hasClosed(describeExit(exit)));
      else hasClosed('the session was closed');
    };
    client.setNotificationHandler('notifications/tools/list_changed', () => connection.onToolsChanged());
    client.setNotificationHandler('notifications/message', ({ params }) => {
      child?.stderr.push(`(${params.level}) ${typeof params.data === 'string' ? params.data : JSON.stringify(params.data)}`);
    });
    return connection;
  }

  get containment(): Containment | null {
    return this.child?.containment ?? null;
  }

  /** What the server says of itself. */
  get serverInfo(): Record<string, unknown> {
    const instructions = this.client.getInstructions();
    return dataWithoutSecrets({
      ...this.client.getServerVersion(),
      protocolVersion: this.client.getNegotiatedProtocolVersion(),
      capabilities: this.client.getServerCapabilities(),
      ...(instructions !== undefined && { instructions: instructions.slice(0, 16_384) }),
    });
  }

  get hasTools(): boolean {
    return this.client.getServerCapabilities()?.tools !== undefined;
  }

  /** Hears of changed tools where the server must be asked to tell (MCP 2026-07-28, subscriptions). */
  async subscribe(): Promise<void> {
    if (this.client.getProtocolEra() !== 'modern' || !this.client.getServerCapabilities()?.tools?.listChanged) return;
    await this.client.listen({ toolsListChanged: true }, { timeout: pingMs }).catch(() => undefined);
  }

  /** All pages of its tools, as it lists them. */
  async listTools(timeoutMs: number): Promise<unknown[]> {
    if (!this.hasTools) return [];
    const tools = await readPages(
      (cursor) =>
        this.client.request({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } }, asItIs, { timeout: timeoutMs }),
      'tools',
    );
    return dataWithoutSecrets(tools);
  }

  /** Its result, without the secrets that the server was given. */
  async callTool(
    definition: ToolDefinition,
    args: Record<string, unknown>,
    meta: Record<string, unknown> | undefined,
    options: CallOptions,
  ): Promise<RawResult> {
    return dataWithoutSecrets(await this.askTool(definition, args, meta, options));
  }

  private askTool(
    definition: ToolDefinition,
    args: Record<string, unknown>,
    meta: Record<string, unknown> | undefined,
    options: CallOptions,
  ): Promise<RawResult> {
    const params = { name: definition.name, arguments: args, ...(meta && { _meta: meta }) };
    const requestOptions = {
      timeout: options.timeoutMs,
      signal: options.signal,
      ...(options.onProgress && { onprogress: options.onProgress }),
    };
    // Only the SDK's own method mirrors arguments into headers (SEP-2243); it costs more, so it is used where that is asked for.
    if (this.child === null && JSON.stringify(definition.inputSchema).includes('"x-mcp-header"')) {
      return this.client.callTool(params, { ...requestOptions, toolDefinition: definition as unknown as Tool });
    }
    return this.client.request({ method: 'tools/call', params }, asItIs, requestOptions);
  }

  /** Whether the server still answers at all. */
  async isAlive(): Promise<boolean> {
    const isModern = this.client.getProtocolEra() === 'modern';
    try {
      await (isModern ? this.client.discover({ timeout: pingMs }) : this.client.ping({ timeout: pingMs }));
      return true;
    } catch (thrown) {
      // An error is an answer, too, unless it is that of a session that is no more.
      return !isTimeout(thrown) && (thrown as { name?: string }).name === 'ProtocolError';
    }
  }

  async close(because: string): Promise<void> {
    await this.child?.stop({ because });
    if (this.transport instanceof StreamableHTTPClientTransport) {
      // The other side may forget the session; where it knows none, or is gone, it does not matter.
      await Promise.race([
        this.transport.terminateSession().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, 1_000).unref()),
      ]);
    }
    await this.client.close().catch(() => undefined);
  }
}

/** The process ended while a session was being opened. */
export class ExitedEarly extends Error {}

const unusable = 'it could not be used';

/** Rejects when the child ends. */
async function endOf(child: Child): Promise<never> {
  throw exitedEarly(child, await child.exited);
}

/** Ends the child of a session that could not be opened, and says why in the words that fit. */
async function endedBy(thrown: unknown, child: Child, transport: Transport, timeoutMs: number): Promise<unknown> {
  const because = isTimeout(thrown) ? silence(timeoutMs, transport) : unusable;
  const exit = await child.stop({ because });
  if (isTimeout(thrown)) return new Error(because, { cause: thrown });
  return exit.because === unusable ? thrown : exitedEarly(child, exit);
}

function exitedEarly(child: Child, exit: ChildExit): ExitedEarly {
  const last = child.stderr.lines.findLast((line) => line.trim() !== '');
  return new ExitedEarly(`${describeExit(exit)}${last === undefined ? '' : `; it wrote last: ${withoutSecrets(last).slice(0, 200)}`}`);
}

function silence(timeoutMs: number, transport: Transport): string {
  const noise = transport instanceof ChildTransport ? transport.firstNoise : null;
  const said = noise === null ? '' : ` and printed what is not MCP: ${JSON.stringify(withoutSecrets(noise).slice(0, 80))}`;
  return `it did not answer within ${timeoutMs} ms of its start${said}`;
}
