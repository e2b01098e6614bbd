import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { AuthInfo, Server } from '@modelcontextprotocol/server';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { OfferingServers, type DoorContext } from './offering-server.ts';
import { refuse } from './refuse.ts';
import { ToolDirectory } from './tool-directory.ts';

interface Session {
  id: string;
  workspace: string;
  principal: string;
  server: string | null;
  transport: NodeStreamableHTTPServerTransport;
  mcp: Server;
  usedAt: number;
  /** Requests and streams that are open now: a session in use does not age. */
  open: number;
}

/** Clients that go away without a word leave their session: it ends after this time. */
const idleMs = 30 * 60_000;
const sweepEveryMs = 60_000;
/** Some 20 KB each. */
const sessionsMax = 10_000;
const sessionsPerPrincipal = 1_000;

type AuthenticatedRequest = IncomingMessage & { auth?: AuthInfo };

/**
 * Sessions of clients that speak the protocol of 2025 (MCP 2025-11-25, basic/transports). An id is no credential: each request is
 * authenticated, and the id of another's session is as unknown as one that never was.
 */
@Injectable()
export class LegacySessions implements OnApplicationShutdown {
  private readonly sessions = new Map<string, Session>();
  private readonly timer = setInterval(() => this.sweep(), sweepEveryMs).unref();

  constructor(
    private readonly servers: OfferingServers,
    directory: ToolDirectory,
  ) {
    directory.onChange((workspace) => this.tellChanged(workspace));
  }

  get size(): number {
    return this.sessions.size;
  }

  /** Serves one request of a session, or the one that opens it. */
  async serve(request: AuthenticatedRequest, response: ServerResponse, body: unknown, door: DoorContext): Promise<void> {
    const session = await this.sessionOf(request, body, door);
    if (!session) {
      refuse(response, 404, 'Session not found'); // a client begins a new session upon it
      return;
    }
    session.usedAt = Date.now();
    session.open++;
    response.once('close', () => {
      session.open--;
      session.usedAt = Date.now();
    });
    await session.transport.handleRequest(request, response, body);
  }

  private async sessionOf(request: IncomingMessage, body: unknown, door: DoorContext): Promise<Session | null> {
    const id = request.headers['mcp-session-id'];
    if (id === undefined && isInitialize(body)) return this.open(door);
    const session = typeof id === 'string' ? this.sessions.get(id) : undefined;
    if (id === undefined)
      throw new Fault('invalid', 'the request belongs to no session', 'Send `initialize` first, then its Mcp-Session-Id.');
    const { caller, scope } = door;
    const isOwn = session?.workspace === caller.workspace && session.principal === caller.principal && session.server === scope.server;
    return isOwn ? session : null;
  }

  private async open({ caller, scope }: DoorContext): Promise<Session> {
    const own = [...this.sessions.values()].filter(({ principal }) => principal === caller.principal);
    if (this.sessions.size >= sessionsMax || own.length >= sessionsPerPrincipal) {
      const idle = own.filter(({ open }) => open === 0).sort((left, right) => left.usedAt - right.usedAt)[0];
      if (!idle)
        throw new Fault('limited', 'too many MCP sessions are open', 'End sessions by DELETE when they are done.', { retryAfterMs: 5_000 });
      await this.end(idle);
    }
    const id = randomUUID();
    const transport = new NodeStreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    const mcp = this.servers.make(scope);
    const session: Session = {
      id,
      workspace: caller.workspace,
      principal: caller.principal,
      server: scope.server,
      transport,
      mcp,
      usedAt: Date.now(),
      open: 0,
    };
    mcp.onclose = () => void this.sessions.delete(id);
    mcp.onerror = (err) => log.debug('an MCP session had an error', { err });
    await mcp.connect(transport);
    this.sessions.set(id, session);
    return session;
  }

  private tellChanged(workspace: string): void {
    for (const session of this.sessions.values()) {
      if (session.workspace === workspace)
        session.mcp.sendToolListChanged().catch((err: unknown) => log.debug('a change was not told', { err }));
    }
  }

  private sweep(): void {
    const oldest = Date.now() - idleMs;
    for (const session of this.sessions.values()) if (session.open === 0 && session.usedAt < oldest) void this.end(session);
  }

  private async end(session: Session): Promise<void> {
    this.sessions.delete(session.id);
    await session.mcp.close().catch((err: unknown) => log.debug('an MCP session did not close', { err }));
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([...this.sessions.values()].map((session) => this.end(session)));
  }
}

function isInitialize(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body as { method?: unknown }).method === 'initialize';
}
