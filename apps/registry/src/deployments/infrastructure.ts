import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { ping } from '@signalbox/shared/bus/ping.js';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import type { InfrastructureFact } from './facts.ts';

/** How long an answer about a service counts. */
const freshMs = 2_000;
const pingTimeoutMs = 1_000;
const names: Record<string, string> = { bus: 'the message bus', database: 'the database' };

/** Whether what deployments wait for beside agents is up: services by asking them, MCP servers by what was heard of them. */
@Injectable()
export class Infrastructure {
  private readonly known = new Map<string, { at: number; fact: Promise<InfrastructureFact> }>();

  constructor(private readonly bus: Bus) {}

  /** Facts of the services among the dependencies: to be asked before a transaction begins, since it may take a moment. */
  async services(dependencies: Iterable<string>): Promise<Map<string, InfrastructureFact>> {
    const wanted = [...new Set(dependencies)].filter((dependency) => dependency.startsWith('service:'));
    return new Map(
      await Promise.all(wanted.map(async (dependency) => [dependency, await this.service(dependency.slice('service:'.length))] as const)),
    );
  }

  /** Facts of the MCP servers among the dependencies, as far as they were heard of. */
  async servers(tx: EntityManager, dependencies: Iterable<string>): Promise<Map<string, InfrastructureFact>> {
    const wanted = [...new Set(dependencies)].filter((dependency) => dependency.startsWith('mcp-server:'));
    return new Map(wanted.length === 0 ? [] : await serverFacts(tx, wanted));
  }

  private service(name: string): Promise<InfrastructureFact> {
    const known = this.known.get(name);
    if (known && performance.now() - known.at < freshMs) return known.fact;
    const fact = this.ask(name).then(
      (): InfrastructureFact => ({ isUp: true, because: '' }),
      (error: Error): InfrastructureFact => ({ isUp: false, because: `${names[name] ?? name} is down: ${error.message}` }),
    );
    this.known.set(name, { at: performance.now(), fact });
    return fact;
  }

  private async ask(name: string): Promise<void> {
    if (name === 'bus') await this.bus.connection.rtt();
    else if (name !== 'registry' && name !== 'database') await this.checksOf(name as ServiceName);
    // The registry itself answers; and without the database nothing would have been read so far.
  }

  private async checksOf(service: ServiceName): Promise<void> {
    const { checks } = await this.bus.request(ping[service], {}, 'service', { timeoutMs: pingTimeoutMs });
    const failing = Object.entries(checks).find(([, result]) => result !== 'ok');
    if (failing) throw new Error(`${failing[0]}: ${failing[1]}`);
  }
}

async function serverFacts(tx: EntityManager, servers: readonly string[]): Promise<[string, InfrastructureFact][]> {
  const rows = await rowsOf<{ name: string; status: string; status_reason: string | null }>(
    tx,
    `SELECT name, status, status_reason FROM mcp_server WHERE name = ANY($1)`,
    [servers.map((dependency) => dependency.slice('mcp-server:'.length))],
  );
  const byName = new Map(rows.map((row) => [`mcp-server:${row.name}`, row]));
  return servers.map((dependency) => {
    const row = byName.get(dependency);
    if (row === undefined) return [dependency, { isUp: false, because: 'no MCP server of this name has been heard of' }];
    const isUp = row.status === 'ready' || row.status === 'degraded';
    return [dependency, { isUp, because: isUp ? '' : `it is ${row.status}${row.status_reason === null ? '' : `: ${row.status_reason}`}` }];
  });
}
