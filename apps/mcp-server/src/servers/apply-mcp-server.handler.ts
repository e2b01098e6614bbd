import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  applyMcpServer,
  type ApplyMcpServerReply,
  ApplyMcpServerRequest,
} from '@signalbox/shared/contracts/mcp-server/apply-mcp-server.js';
import type { McpServer } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller, requirePermission } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { changesBetween } from '../manifests/changes.ts';
import { contentHash } from '../manifests/content-hash.ts';
import { type McpServerManifest, namesCommand } from '../manifests/manifest.ts';
import { parseManifest } from '../manifests/parse-manifest.ts';
import { secretNamesOf } from '../manifests/secret-names.ts';
import { ServerSecrets } from '../upstreams/server-secrets.ts';
import { Upstreams } from '../upstreams/upstreams.ts';
import { ServerEvents } from './server-events.ts';
import { type ServerRow, serverView } from './server-row.ts';
import { ServerStore } from './server.store.ts';
import { nextVersion } from './server.ts';

/** Servers of one workspace: each may be a process of the host. */
const serversMax = 200;

@Controller()
export class ApplyMcpServerHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly servers: ServerStore,
    private readonly events: ServerEvents,
    private readonly audit: Audit,
    private readonly upstreams: Upstreams,
    private readonly secrets: ServerSecrets,
  ) {}

  @Handles(applyMcpServer)
  async handle(@Payload() request: ApplyMcpServerRequest, @FromCaller() caller: Caller): Promise<ApplyMcpServerReply> {
    const manifest = parseManifest(request.name, request.manifest);
    if (namesCommand(manifest.spec)) requirePermission(caller, 'commands:write');
    if (secretNamesOf(manifest.spec).length > 0) requirePermission(caller, 'secrets:use');
    if (request.dryRun) return (await this.db.inWorkspace(caller.workspace, (tx) => this.apply(tx, manifest, request, caller))).reply;
    const { name } = request;
    const bearer = await this.secrets.grant(name, manifest.spec, caller);
    let left = bearer;
    try {
      const { reply, row, before } = await this.db.inWorkspace(caller.workspace, async (tx) => {
        const applied = await this.apply(tx, manifest, request, caller);
        return { ...applied, before: await this.servers.keepBearer(tx, name, bearer) };
      });
      left = before;
      if (row) this.upstreams.replace({ ...row, bearer });
      else this.upstreams.keepBearer(caller.workspace, name, bearer);
      return reply;
    } finally {
      await this.secrets.giveBack(name, left);
    }
  }

  /** Answers with the row to start by, where something changed. */
  private async apply(
    tx: EntityManager,
    manifest: McpServerManifest,
    { name, dryRun = false, expectedVersion }: ApplyMcpServerRequest,
    caller: Caller,
  ): Promise<{ reply: ApplyMcpServerReply; row?: ServerRow }> {
    const hash = contentHash(manifest);
    const current = await this.servers.lock(tx, name);
    const { action, version } = nextVersion(name, current, hash, expectedVersion);
    const changes = changesBetween(current?.manifest ?? {}, manifest);
    if (action === 'unchanged') return { reply: { action, changes: [], resource: serverView(this.upstreams.lively(current!)) } };
    if (dryRun) return { reply: { action, changes, resource: preview(manifest, version, current) } };

    const id = current?.id ?? newUuid();
    if (current) await this.servers.update(tx, manifest, version, hash);
    else {
      if ((await this.servers.count(tx)) >= serversMax) {
        throw new Fault(
          'limited',
          `the workspace has ${serversMax} MCP servers, which is as many as it can`,
          'Delete servers that nobody needs.',
        );
      }
      if (!(await this.servers.insert(tx, caller.workspace, id, manifest, hash, caller.principal))) {
        throw new Fault('conflict', `the MCP server ${name} was created by somebody else just now`, 'Apply it again.');
      }
    }
    await this.audit.append(tx, caller, {
      action: 'mcp-server.apply',
      target: `mcp-server ${name}`,
      detail: { version, hash, transport: manifest.spec.transport, changed: changes.map(({ path }) => path) },
    });
    await this.events.tell(
      tx,
      {
        workspace: caller.workspace,
        id,
        name,
        transport: manifest.spec.transport,
        status: 'starting',
        reason: null,
        tools: current?.tools ?? 0,
        restarts: 0,
      },
      { change: 'manifest' },
    );
    const row = (await this.servers.find(tx, name))!;
    return { reply: { action, changes, resource: serverView({ ...row, ...fresh }) }, row };
  }
}

/** How a server stands whose manifest is new: it is started in the background. */
const fresh = { status: 'starting', status_reason: null, restarts: 0, next_attempt_at: null, ready_since: null } as const;

/** The server as it would be. */
function preview(manifest: McpServerManifest, version: number, current: ServerRow | null): McpServer {
  const at = new Date(now()).toISOString();
  const { metadata, spec } = manifest;
  return {
    ...(current
      ? serverView({ ...current, ...fresh })
      : { id: fromUuid('mcp', newUuid()), status: 'starting' as const, tools: 0, restarts: 0, createdAt: at }),
    name: metadata.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    transport: spec.transport,
    version,
    updatedAt: at,
  };
}
