import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { evidenceAdded } from '@signalbox/shared/contracts/registry/events.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import canonicalize from 'canonicalize';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { rowsOf } from '../database/sql.ts';
import { dayMs, type EvidenceRow } from '../evidence/evidence-row.ts';
import { evidenceMax, EvidenceStore } from '../evidence/evidence.store.ts';
import { KpiStore } from '../kpis/kpi.store.ts';
import { liveSource } from './live-source.ts';
import { callsDays, callsMin, performanceOf, securityOf, type LiveMetrics } from './live-metrics.ts';

/** Who measures where nobody does. */
export const itself = { principal: 'registry', name: 'registry' };
/** Of the pieces that a version can have, so many may be of this source: the others are for reports. */
export const pieceMax = 300;

export interface Measurement {
  added: EvidenceRow[];
  /** What could not be measured, and why. */
  lacks: string[];
}

/** Measures versions of agents and keeps that as evidence. */
@Injectable()
export class LiveEvidence {
  constructor(
    private readonly agents: AgentStore,
    private readonly evidence: EvidenceStore,
    private readonly kpis: KpiStore,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  /** Measures a version now; what was measured within `freshMs` is left as it is. In a transaction of the workspace. */
  async measure(
    tx: EntityManager,
    by: { workspace: string; principal: string; name: string },
    { agent: name, version }: { agent: string; version?: number | undefined },
    freshMs: number,
    now: number,
  ): Promise<Measurement> {
    // Replicas and people measure one after the other: the second finds what the first has measured.
    await this.agents.lock(tx, name);
    const agent = await this.agents.atVersion(tx, name, version);
    const row = await this.agents.version(tx, agent);
    const known = await this.pieces(tx, agent.id, agent.version);
    const measurement: Measurement = { added: [], lacks: [] };
    if (known.count >= pieceMax || known.all >= evidenceMax) {
      measurement.lacks.push('it has as many pieces of evidence as it can: apply the next version');
      return measurement;
    }
    const isDue = (at: Date | null): boolean => at === null || at.getTime() <= now - freshMs;
    const keep = async (found: LiveMetrics): Promise<void> => {
      measurement.added.push(await this.keep(tx, by, { name, ...agent }, found));
    };
    if (isDue(known.security)) await keep(securityOf(row!.manifest));
    if (isDue(known.performance)) {
      const found = performanceOf(await this.kpis.ofVersion(tx, name, agent.version, now - callsDays * dayMs));
      if (found === null) measurement.lacks.push(`performance: it had fewer than ${callsMin} calls within ${callsDays} days`);
      else await keep(found);
    }
    return measurement;
  }

  private async pieces(
    tx: EntityManager,
    agent: string,
    version: number,
  ): Promise<{ all: number; count: number; security: Date | null; performance: Date | null }> {
    const rows = await rowsOf<{ all: number; count: number; security: Date | null; performance: Date | null }>(
      tx,
      `SELECT count(*)::int AS all, count(*) FILTER (WHERE format = 'live')::int AS count,
         max(created_at) FILTER (WHERE format = 'live' AND metrics ? 'security.toolsPinned') AS security,
         max(created_at) FILTER (WHERE format = 'live' AND metrics ? 'performance.calls') AS performance
       FROM evidence WHERE agent = $1 AND version = $2`,
      [agent, version],
    );
    return rows[0]!;
  }

  private async keep(
    tx: EntityManager,
    by: { workspace: string; principal: string; name: string },
    { id: agent, version, name }: { id: string; version: number; name: string },
    found: LiveMetrics,
  ): Promise<EvidenceRow> {
    const text = canonicalize(found)!;
    const hash = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const read = { source: liveSource, hash, bytes: Buffer.byteLength(text), ...found };
    const row = await this.evidence.insert(tx, by, { agent, version, format: liveSource }, read);
    const evidence = fromUuid('evidence', row.id);
    await this.outbox.append(tx, evidenceAdded, {
      workspace: by.workspace,
      entity: row.id,
      version: 1,
      payload: { id: evidence, agent: name, agentVersion: version, source: liveSource },
    });
    await this.audit.append(tx, by, {
      action: 'evidence.add',
      target: `agent ${name}`,
      detail: { version, evidence, format: liveSource, source: liveSource, hash },
    });
    return row;
  }
}
