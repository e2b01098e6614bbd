import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listWorkflows } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { may, requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { EventHub, type HubEvent } from '../events/event-hub.ts';
import { type OfferedTool, offeredAgentTools, offeredServerTool, offeredWorkflowTool } from './offered-tool.ts';

const kinds = { tools: 'tools:read', agents: 'agents:read', workflows: 'workflows:read' } as const;
type Kind = keyof typeof kinds;

/** Resources of events, and what they make stale. */
const staleBy: Record<string, Kind> = { 'mcp-servers': 'tools', agents: 'agents', workflows: 'workflows' };
/** An event may be late: what was read is not believed for longer. */
const freshMs = 5_000;
/** Workspaces whose tools are held; who comes back after the others is read anew. */
const workspacesMax = 1_000;
const pageSize = 200;
/** More of one kind in one workspace are left out. */
const entriesMax = 10_000;

/** Which endpoint: everything, or one server, whose tools have no prefix there. */
export interface Scope {
  server: string | null;
}

interface Reading {
  at: number;
  tools: Promise<readonly OfferedTool[]>;
}

/** The tools that a workspace offers, read once for all who ask and again when something changed. */
@Injectable()
export class ToolDirectory implements OnApplicationShutdown {
  private readonly readings = new Map<string, Reading>();
  private readonly listeners = new Set<(workspace: string) => void>();
  private readonly stopHearing: () => void;

  constructor(
    private readonly bus: Bus,
    hub: EventHub,
  ) {
    this.stopHearing = hub.listen((event) => this.onEvent(event));
  }

  onApplicationShutdown(): void {
    this.stopHearing();
  }

  /** Runs `listener` with the workspace whose tools changed. */
  onChange(listener: (workspace: string) => void): void {
    this.listeners.add(listener);
  }

  /** All that the caller may see here, in order of the names. `not_found` where there is no such server. */
  async list(caller: Caller, { server }: Scope): Promise<readonly OfferedTool[]> {
    requirePermission(caller, kinds.tools);
    if (server !== null) return this.read(caller, 'tools', server);
    const readable = (Object.keys(kinds) as Kind[]).filter((kind) => may(caller, kinds[kind]));
    const parts = await Promise.all(readable.map((kind) => this.part(caller, kind)));
    return parts.flat();
  }

  /** One tool by the name that it has here, as a call needs it: without asking for what cannot have such a name. */
  async find(caller: Caller, { server }: Scope, name: string): Promise<OfferedTool | undefined> {
    requirePermission(caller, kinds.tools);
    const kind = server === null ? kindOf(name) : 'tools';
    if (!may(caller, kinds[kind])) return undefined;
    const tools = await (kind === 'tools' ? this.read(caller, kind, server) : this.part(caller, kind));
    let names = byName.get(tools);
    if (!names) byName.set(tools, (names = new Map(tools.map((tool) => [tool.name, tool]))));
    return names.get(name);
  }

  /** Tools must be there; agents and workflows of a service that is down are left out, so that the rest works. */
  private part(caller: Caller, kind: Kind): Promise<readonly OfferedTool[]> {
    const reading = this.read(caller, kind, null);
    return kind === 'tools' ? reading : reading.catch(() => []);
  }

  private read(caller: Caller, kind: Kind, server: string | null): Promise<readonly OfferedTool[]> {
    const key = `${caller.workspace} ${kind} ${server ?? ''}`;
    const known = this.readings.get(key);
    if (known && performance.now() - known.at < freshMs) return known.tools;
    const tools = this.load(caller, kind, server);
    this.readings.delete(key);
    this.readings.set(key, { at: performance.now(), tools });
    if (this.readings.size > workspacesMax) this.readings.delete(this.readings.keys().next().value!);
    tools.catch((err: unknown) => {
      // A service that is down is asked again by who cannot do without it; for the others its silence holds for a while, too.
      if (kind !== 'tools') log.warn('a kind of tools is left out', { kind, err });
      else if (this.readings.get(key)?.tools === tools) this.readings.delete(key);
    });
    return tools;
  }

  private async load(caller: Caller, kind: Kind, server: string | null): Promise<readonly OfferedTool[]> {
    switch (kind) {
      case 'tools': {
        const listed = await pages((cursor) =>
          this.bus.request(listTools, { limit: pageSize, verbatim: true, ...(server !== null && { server }), ...cursor }, caller),
        );
        return sorted(listed.map((tool) => offeredServerTool(tool, server === null)));
      }
      case 'agents': {
        const agents = await pages((cursor) => this.bus.request(listAgents, { limit: pageSize, ...cursor }, caller));
        return sorted(agents.flatMap(offeredAgentTools));
      }
      case 'workflows': {
        const workflows = await pages((cursor) => this.bus.request(listWorkflows, { limit: pageSize, ...cursor }, caller));
        return sorted(workflows.map(offeredWorkflowTool));
      }
    }
  }

  private onEvent({ workspace, resource }: HubEvent): void {
    const kind = staleBy[resource];
    if (kind === undefined || workspace === null) return;
    for (const key of this.readings.keys()) if (key.startsWith(`${workspace} ${kind} `)) this.readings.delete(key);
    for (const listener of this.listeners) listener(workspace);
  }
}

/** Lists by name, made when the first call needs them. */
const byName = new WeakMap<readonly OfferedTool[], ReadonlyMap<string, OfferedTool>>();

function kindOf(name: string): Kind {
  if (name.startsWith('agent__')) return 'agents';
  return name.startsWith('workflow__') ? 'workflows' : 'tools';
}

async function pages<T>(read: (cursor: { cursor?: string }) => Promise<{ data: T[]; nextCursor: string | null }>): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null = ''; cursor !== null && all.length < entriesMax;) {
    const page: { data: T[]; nextCursor: string | null } = await read(cursor === '' ? {} : { cursor });
    all.push(...page.data);
    cursor = page.nextCursor;
  }
  return all;
}

function sorted(tools: OfferedTool[]): OfferedTool[] {
  return tools.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** What a client is told of a server that it may not, or cannot, see. */
export function endpointMissing(server: string): Fault {
  return new Fault('not_found', `there is no MCP server ${server.slice(0, 80)}`, 'GET /api/v1/mcp-servers lists them.');
}
