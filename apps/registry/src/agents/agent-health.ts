import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { agentChanged, type AgentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { routingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { afterCommit } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import type { AgentManifest } from '../manifests/manifest.ts';
import type { AgentRow } from './agent-row.ts';
import { healthOf, type HealthFacts } from './agent-status.ts';

interface HealthRow extends Omit<AgentRow, 'live' | 'capacity' | 'in_flight' | 'stage'> {
  manifest: AgentManifest;
  live: number;
  lost: number;
  isolated: number;
  isolation: string | null;
  wanted: number;
  runner_failure: string | null;
  server_status: string | null;
  server_reason: string | null;
}

/** Keeps the status of agents as their instances, servers and breakers say, and tells it when it changes. */
@Injectable()
export class AgentHealth {
  constructor(
    private readonly outbox: Outbox,
    private readonly bus: Bus,
  ) {}

  /** Computes the agent's status anew; an event only when it, its reason or its breaker changed. The agent must be locked or about to be. */
  async refresh(tx: EntityManager, name: string): Promise<void> {
    await tx.query(`SELECT 1 FROM agent WHERE name = $1 FOR UPDATE`, [name]);
    const row = await this.factsOf(tx, name);
    if (row === null) return;
    const health = healthOf(toFacts(row));
    if (health.status === row.status && (health.reason ?? null) === row.status_reason) return;
    await tx.query(`UPDATE agent SET status = $2, status_reason = $3, updated_at = now() WHERE name = $1`, [
      name,
      health.status,
      health.reason ?? null,
    ]);
    await this.tell(tx, name, 'status');
  }

  /** Sets the breaker's state, and with it the status. An event whenever the state is another; versions that came too late change nothing. */
  async setBreaker(tx: EntityManager, name: string, breaker: AgentRow['breaker'], version: number): Promise<void> {
    const rows = await changedRows(
      tx,
      `UPDATE agent SET breaker = $2, breaker_version = $3, updated_at = now()
       WHERE name = $1 AND breaker IS DISTINCT FROM $2 AND breaker_version < $3 RETURNING name`,
      [name, breaker, version],
    );
    if (rows.length === 0) return;
    const before = await rowsOf<{ event_version: string }>(tx, `SELECT event_version FROM agent WHERE name = $1`, [name]);
    await this.refresh(tx, name);
    const after = await rowsOf<{ event_version: string }>(tx, `SELECT event_version FROM agent WHERE name = $1`, [name]);
    if (after[0]!.event_version === before[0]!.event_version) await this.tell(tx, name, 'status');
  }

  /** A call to each of these agents has succeeded: the breaker of one that is called and was not heard of is closed. */
  async answered(tx: EntityManager, names: readonly string[]): Promise<void> {
    const rows = await changedRows<{ name: string }>(
      tx,
      `UPDATE agent SET breaker = 'closed' WHERE name = ANY($1) AND breaker IS NULL AND kind IN ('llm', 'http') RETURNING name`,
      [names],
    );
    for (const { name } of rows) await this.refresh(tx, name);
  }

  /** Keeps what an agent goes on without by what a deployment declares; null: nothing. */
  async setLacks(tx: EntityManager, name: string, deployment: string, lacks: string | null): Promise<void> {
    await tx.query(
      `UPDATE agent SET lacks = CASE WHEN $3::text IS NULL THEN lacks - $2::text ELSE lacks || jsonb_build_object($2::text, $3::text) END
       WHERE name = $1 AND lacks ->> $2::text IS DISTINCT FROM $3::text`,
      [name, deployment, lacks],
    );
    await this.refresh(tx, name);
  }

  /** Keeps what a probe of an agent that is called said. */
  async setProbe(tx: EntityManager, name: string, isWell: boolean, note: string | undefined): Promise<void> {
    await tx.query(`UPDATE agent SET probed = $2, probe_note = $3 WHERE name = $1`, [name, isWell, note ?? null]);
    await this.refresh(tx, name);
  }

  /** An event of the agent as it is now. */
  async tell(tx: EntityManager, name: string, change: AgentChanged['change']): Promise<void> {
    const [row] = await changedRows<AgentRow>(tx, `UPDATE agent SET event_version = event_version + 1 WHERE name = $1 RETURNING *`, [name]);
    if (row === undefined) return;
    const about = { workspace: row.workspace, entity: row.id, version: Number(row.event_version) };
    const isolated = change === 'routing' && row.status === 'isolated' && { isIsolated: true };
    afterCommit(tx, () => this.bus.publishLive(routingChanged, { agent: name, change, ...isolated }, about));
    await this.outbox.append(tx, agentChanged, {
      ...about,
      payload: {
        id: fromUuid('agent', row.id),
        name: row.name,
        kind: row.kind,
        change,
        status: row.status,
        ...(row.status_reason !== null && { statusReason: row.status_reason }),
        version: row.version,
        hash: row.hash,
        ...(row.breaker !== null && { breaker: row.breaker }),
      },
    });
  }

  private async factsOf(tx: EntityManager, name: string): Promise<HealthRow | null> {
    const rows = await rowsOf<HealthRow>(
      tx,
      `SELECT a.*, v.manifest, s.status AS server_status, s.status_reason AS server_reason,
         (SELECT count(*)::int FROM instance AS i WHERE i.agent = a.name AND i.status IN ('live', 'draining')) AS live,
         (SELECT count(*)::int FROM instance AS i WHERE i.agent = a.name AND i.status = 'isolated') AS isolated,
         (SELECT o.because FROM isolation AS o WHERE o.agent = a.name AND o.instance = '') AS isolation,
         (SELECT count(*)::int FROM instance AS i WHERE i.agent = a.name AND i.is_lost) AS lost,
         (SELECT count(*)::int FROM runner_process AS p WHERE p.registered_agent = a.name) AS wanted,
         (SELECT min(p.failure) FROM runner_process AS p WHERE p.registered_agent = a.name) AS runner_failure
       FROM agent AS a JOIN agent_version AS v ON v.workspace = a.workspace AND v.agent = a.id AND v.version = a.version
         LEFT JOIN mcp_server AS s ON s.workspace = a.workspace AND s.name = v.manifest #>> '{spec,mcp,server}'
       WHERE a.name = $1`,
      [name],
    );
    return rows[0] ?? null;
  }
}

function toFacts(row: HealthRow): HealthFacts {
  const server = row.manifest.spec.mcp?.server;
  const lacks = Object.values(row.lacks);
  return {
    kind: row.kind,
    live: row.live,
    lost: row.lost,
    isolated: row.isolated,
    ...(row.isolation !== null && { isolation: row.isolation }),
    wanted: row.wanted,
    ...(row.runner_failure !== null && { runnerFailure: row.runner_failure }),
    ...(server !== undefined &&
      row.server_status !== null && {
        server: { name: server, status: row.server_status, ...(row.server_reason !== null && { reason: row.server_reason }) },
      }),
    ...(row.breaker !== null && { breaker: row.breaker }),
    ...(lacks.length > 0 && { lacks: lacks.join('; ') }),
    ...(row.probed !== null && { probe: { isWell: row.probed, ...(row.probe_note !== null && { note: row.probe_note }) } }),
  };
}
