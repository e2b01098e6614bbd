import type { IncomingMessage } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/server';
import { All, Controller, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { OpenStreams } from '../platform/open-streams.ts';
import { LegacySessions } from './legacy-sessions.ts';
import { ModernEndpoint } from './modern-endpoint.ts';
import type { DoorContext } from './offering-server.ts';
import { refuse } from './refuse.ts';
import { endpointMissing, ToolDirectory, type Scope } from './tool-directory.ts';

const versionKey = 'io.modelcontextprotocol/protocolVersion';

/** The door for MCP clients of both eras, on one path: what comes decides how it is served (MCP 2025-11-25 and 2026-07-28, basic/transports). */
@Controller('mcp')
export class McpRoute {
  constructor(
    private readonly legacy: LegacySessions,
    private readonly modern: ModernEndpoint,
    private readonly directory: ToolDirectory,
    private readonly streams: OpenStreams,
  ) {}

  /** Everything that the workspace offers, under names with their server's. */
  @All()
  all(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @FromCaller() caller: Caller): Promise<void> {
    return this.serve(request, reply, caller, { server: null });
  }

  /** One server, its tools under their own names. */
  @All('servers/:name')
  async one(
    @Param('name') name: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @FromCaller() caller: Caller,
  ): Promise<void> {
    if (!namePattern.test(name)) throw endpointMissing(name);
    await this.directory.list(caller, { server: name }); // a server that is not there is 404 as a path, not as an error of the protocol
    return this.serve(request, reply, caller, { server: name });
  }

  private async serve(request: FastifyRequest, reply: FastifyReply, caller: Caller, scope: Scope): Promise<void> {
    const door: DoorContext = { caller, scope };
    const body: unknown = request.method === 'POST' ? request.body : undefined;
    const isLegacy = isLegacyRequest(request);
    const isStream = request.method === 'GET' || (body as { method?: unknown } | undefined)?.method === 'subscriptions/listen';
    if (isStream) this.streams.admit(caller);
    reply.hijack();
    const { raw: response } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) response.setHeader(name, value);
    response.setHeader('x-accel-buffering', 'no');
    if (isStream) {
      this.streams.add(caller, { close: () => response.destroy(), onClose: (work) => response.once('close', work) });
    }
    const raw: IncomingMessage & { auth?: AuthInfo } = request.raw;
    raw.auth = { token: '', clientId: caller.principal, scopes: [...caller.scopes], extra: { door } };
    try {
      await (isLegacy ? this.legacy : this.modern).serve(raw, response, body, door);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code === 'internal') log.error('a request of an MCP client failed', { err: thrown });
      refuse(response, fault.status, `${fault.detail}. ${fault.next}`);
    }
  }
}

/**
 * `initialize` opens a session of the older era, whatever stands around it; a message that names its version in its envelope is of the newer
 * one. GET, DELETE and all else belong to sessions of the older.
 */
function isLegacyRequest({ method, body, headers }: FastifyRequest): boolean {
  if (method !== 'POST') return headers['mcp-session-id'] !== undefined || method !== 'GET';
  const message = (body ?? {}) as { method?: unknown; params?: { _meta?: Record<string, unknown> } };
  if (message.method === 'initialize') return true;
  return message.params?._meta?.[versionKey] === undefined && headers['mcp-method'] === undefined;
}
