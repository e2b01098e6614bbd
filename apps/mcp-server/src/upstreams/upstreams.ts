import { setTimeout as sleep } from 'node:timers/promises';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Outbound } from '@signalbox/shared/outbound/outbound.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { type CataloguedTool, catalogueChange } from '../catalogue/catalogue.ts';
import { ToolStore } from '../catalogue/tool.store.ts';
import { McpServerConfig } from '../mcp-server.config.ts';
import { ServerEvents } from '../servers/server-events.ts';
import type { ServerRow } from '../servers/server-row.ts';
import { ServerStore } from '../servers/server.store.ts';
import { secretNamesOf } from '../manifests/secret-names.ts';
import { ServerSecrets } from './server-secrets.ts';
import { Upstream, type UpstreamFacts, type UpstreamListener, type UpstreamState } from './upstream.ts';

/** Names told in one event. */
const namesMax = 100;
/** Processes started at once when the service starts: more would only wait for the processor. */
const startsAtOnce = 4;
const answerFirstMs = 250;

/** All upstream servers of all workspaces, and the record of how they are. */
@Injectable()
export class Upstreams implements OnApplicationBootstrap, BeforeApplicationShutdown, UpstreamListener {
  private readonly byName = new Map<string, Upstream>();
  private readonly outbound: Outbound;
  /** What is still to be written of each server, one write after the other. */
  private readonly writing = new Map<string, Promise<void>>();
  private readonly unwritten = new Map<string, UpstreamState>();
  private readonly toldTools = new Map<string, ReadonlyMap<string, CataloguedTool>>();
  private isStopping = false;

  constructor(
    private readonly bus: Bus,
    private readonly config: McpServerConfig,
    private readonly system: SystemDatabase,
    private readonly servers: ServerStore,
    private readonly tools: ToolStore,
    private readonly events: ServerEvents,
    private readonly secrets: ServerSecrets,
  ) {
    this.outbound = new Outbound({
      allowInternal: config.outboundAllowInternal,
      maxBytes: 4 * config.messageMaxBytes, // of one stream, which the SDK then opens anew
      timeoutMs: Infinity,
      idleMs: Infinity,
    });
  }

  /** Everything that ran before runs again. */
  async onApplicationBootstrap(): Promise<void> {
    const [rows, tools] = await this.system.run(async (tx) => [await this.servers.all(tx), await this.tools.all(tx)] as const);
    // Who asks is answered before programs of others take the processors: those who waited for this service come first.
    const heard: Promise<unknown> = this.bus.server.then(() => sleep(answerFirstMs, undefined, { ref: false }));
    const lanes = Array.from({ length: startsAtOnce }, () => heard);
    for (const [index, row] of rows.entries()) {
      const upstream = this.make(factsOf(row), tools.filter(({ server }) => server === row.id).map(toolOf));
      const lane = index % startsAtOnce;
      upstream.start(lanes[lane]);
      lanes[lane] = lanes[lane]!.then(() => upstream.settled());
    }
  }

  /** Processes end with the service, in order; what is written of them stays, so that the next start finds it. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await Promise.all([...this.byName.values()].map((upstream) => upstream.stop('the service stops')));
    await Promise.all(this.writing.values());
    await this.outbound.close();
  }

  find(workspace: string, name: string): Upstream | undefined {
    return this.byName.get(keyOf(workspace, name));
  }

  /** In order of their names. */
  of(workspace: string): Upstream[] {
    const all = [...this.byName.values()].filter(({ facts }) => facts.workspace === workspace);
    return all.sort((left, right) => (left.facts.name < right.facts.name ? -1 : 1));
  }

  /** Starts a server by its new manifest; the one before it finishes its calls first. */
  replace(row: ServerRow): void {
    const before = this.find(row.workspace, row.name);
    const upstream = this.make(factsOf(row), before ? [...before.tools.values()] : []);
    upstream.start(before?.retire('its manifest was changed'));
  }

  /** Keeps another grant for the next start of a server, which is now where it was given up. */
  keepBearer(workspace: string, name: string, bearer: string | null): void {
    const upstream = this.find(workspace, name);
    if (!upstream) return;
    upstream.facts.bearer = bearer;
    if (bearer !== null && upstream.state.status === 'failed') this.renew(upstream, 'it was applied again');
  }

  /** Starts the servers anew that are given the secret; each finishes its calls first. */
  onSecretChanged(workspace: string, secret: string): void {
    this.secrets.forget();
    for (const upstream of this.of(workspace)) {
      if (secretNamesOf(upstream.facts.spec).includes(secret)) this.renew(upstream, `its secret ${secret} was changed`);
    }
  }

  private renew(before: Upstream, because: string): void {
    if (this.isStopping) return;
    this.make(before.facts, [...before.tools.values()]).start(before.retire(because));
  }

  /** Ends a server that is no more, with its folder. */
  async remove(workspace: string, name: string): Promise<void> {
    const upstream = this.find(workspace, name);
    if (!upstream) return;
    this.byName.delete(keyOf(workspace, name));
    await upstream.stop('it was deleted');
    await rm(upstream.facts.state, { recursive: true, force: true });
  }

  /** The row with how its server is now: what is written of it follows a moment later. */
  lively(row: ServerRow): ServerRow {
    const upstream = this.find(row.workspace, row.name);
    if (!upstream) return row;
    const { status, reason, containment, restarts, nextAttemptAt, readySince, serverInfo } = upstream.state;
    return {
      ...row,
      status,
      status_reason: reason,
      containment: containment ?? row.containment,
      restarts,
      next_attempt_at: nextAttemptAt === null ? null : new Date(nextAttemptAt),
      ready_since: readySince === null ? null : new Date(readySince),
      server_info: serverInfo ?? row.server_info,
      tools: upstream.tools.size,
    };
  }

  private make(facts: Omit<UpstreamFacts, 'state' | 'tools'>, tools: readonly CataloguedTool[]): Upstream {
    const { workspace, id, name } = facts;
    const state = join(this.config.stateDir, workspace, id);
    const context = { config: this.config, fetch: this.outbound.fetch, secrets: this.secrets };
    const upstream = new Upstream({ ...facts, state, tools }, context, this);
    this.byName.set(keyOf(workspace, name), upstream);
    this.toldTools.set(id, upstream.tools);
    return upstream;
  }

  /** Makes the folder of servers' folders, which nobody else may read. */
  async onModuleInit(): Promise<void> {
    await mkdir(this.config.stateDir, { recursive: true, mode: 0o700 });
  }

  onState(upstream: Upstream, state: UpstreamState): void {
    if (this.isStopping || this.find(upstream.facts.workspace, upstream.facts.name) !== upstream) return;
    const isWriting = this.unwritten.has(upstream.facts.id);
    this.unwritten.set(upstream.facts.id, state);
    // States that follow each other faster than they can be written are told as the last of them.
    if (!isWriting) this.write(upstream, () => this.writeState(upstream));
  }

  onTools(upstream: Upstream, tools: readonly CataloguedTool[]): void {
    const { id } = upstream.facts;
    const change = catalogueChange(this.toldTools.get(id) ?? new Map(), tools);
    this.toldTools.set(id, upstream.tools);
    if (change) this.write(upstream, () => this.writeTools(upstream, tools, change));
  }

  private write(upstream: Upstream, work: () => Promise<void>): void {
    const { id, name } = upstream.facts;
    const before = this.writing.get(id) ?? Promise.resolve();
    const after = before.then(work).catch((err: unknown) => log.warn('the state of an MCP server was not written', { server: name, err }));
    this.writing.set(id, after);
    void after.then(() => {
      if (this.writing.get(id) === after) this.writing.delete(id);
    });
  }

  private async writeState(upstream: Upstream): Promise<void> {
    const { workspace, id } = upstream.facts;
    const state = this.unwritten.get(id);
    this.unwritten.delete(id);
    if (!state) return;
    await this.system.run(async (tx) => {
      await this.servers.keepState(tx, workspace, id, state);
      await this.events.tell(tx, this.factsOf(upstream, state), { change: 'status' });
    });
  }

  private async writeTools(
    upstream: Upstream,
    tools: readonly CataloguedTool[],
    { added, removed, changed }: { added: string[]; removed: string[]; changed: string[] },
  ): Promise<void> {
    const { workspace, id, name } = upstream.facts;
    if (changed.length > 0)
      log.warn('an MCP server changed the definition of tools', { server: name, workspace, tools: changed.slice(0, namesMax) });
    await this.system.run(async (tx) => {
      await this.tools.replace(tx, workspace, id, tools);
      await this.events.tell(tx, this.factsOf(upstream, upstream.state), {
        change: 'tools',
        added: added.slice(0, namesMax),
        removed: removed.slice(0, namesMax),
        changed: changed.slice(0, namesMax),
      });
    });
  }

  private factsOf({ facts, tools }: Upstream, { status, reason, restarts }: UpstreamState) {
    const { workspace, id, name, spec } = facts;
    return { workspace, id, name, transport: spec.transport, status, reason, tools: tools.size, restarts };
  }
}

function factsOf({ workspace, id, name, manifest, bearer }: ServerRow): Omit<UpstreamFacts, 'state' | 'tools'> {
  return { workspace, id, name, spec: manifest.spec, bearer };
}

function keyOf(workspace: string, name: string): string {
  return `${workspace}/${name}`;
}

function toolOf({ name, definition, hash }: CataloguedTool): CataloguedTool {
  return { name, definition, hash };
}
