import type { IncomingMessage, ServerResponse } from 'node:http';
import { toNodeHandler, type NodeMcpRequestHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, type AuthInfo, type McpHttpHandler } from '@modelcontextprotocol/server';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { log } from '@signalbox/shared/telemetry/log.js';
import { OfferingServers, type DoorContext } from './offering-server.ts';
import { ToolDirectory } from './tool-directory.ts';

interface Endpoint {
  handler: McpHttpHandler;
  serve: NodeMcpRequestHandler;
}

/** Workspaces with an endpoint in memory; the one unused for longest makes room. */
const endpointsMax = 1_000;
const subscriptionsMax = 1_024;

/** Requests of the protocol of 2026-07-28: each stands for itself. One handler a workspace, so that changes are told to its own alone. */
@Injectable()
export class ModernEndpoint implements OnApplicationShutdown {
  private readonly endpoints = new Map<string, Endpoint>();

  constructor(
    private readonly servers: OfferingServers,
    directory: ToolDirectory,
  ) {
    directory.onChange((workspace) => this.endpoints.get(workspace)?.handler.notify.toolsChanged());
  }

  serve(request: IncomingMessage & { auth?: AuthInfo }, response: ServerResponse, body: unknown, { caller }: DoorContext): Promise<void> {
    return this.endpointOf(caller.workspace).serve(request as unknown as Parameters<NodeMcpRequestHandler>[0], response, body);
  }

  private endpointOf(workspace: string): Endpoint {
    let endpoint = this.endpoints.get(workspace);
    if (!endpoint) {
      const onerror = (err: Error): void => log.debug('a request of an MCP client was refused', { err });
      const handler = createMcpHandler(({ authInfo }) => this.servers.make((authInfo?.extra?.['door'] as DoorContext).scope), {
        legacy: 'reject',
        maxSubscriptions: subscriptionsMax,
        onerror,
      });
      endpoint = { handler, serve: toNodeHandler(handler, { onerror }) };
    }
    this.endpoints.delete(workspace);
    this.endpoints.set(workspace, endpoint);
    if (this.endpoints.size > endpointsMax) {
      const [oldest, { handler }] = this.endpoints.entries().next().value!;
      this.endpoints.delete(oldest);
      void handler.close();
    }
    return endpoint;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.endpoints.values()].map(({ handler }) => handler.close()));
  }
}
