import { Injectable } from '@nestjs/common';
import type { StepSource, StepState } from '@signalbox/shared/contracts/registry/deployment.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import type { Estimate } from '../manifests/manifest.ts';
import { stepKey, type StepFact } from './facts.ts';

interface StepRow {
  deployment: string;
  agent: string;
  step: string;
  source: StepSource;
  state: StepState;
  fraction: number;
  note: string | null;
  by_principal: string;
  begun_at: Date | null;
  ended_at: Date | null;
}

/** How a step is to stand from now on. */
export interface StepWrite {
  agent: string;
  step: string;
  source: StepSource;
  state: StepState;
  fraction: number;
  note?: string;
  by: string;
}

const secondsPerDay = 86_400;
/** Of a step, so many of the last durations are remembered. */
const historyMax = 50;
/** Fewer durations than this say nothing yet. */
const historyMin = 3;

/** Steps of deployments and what they took. Every method works in a transaction of one workspace. */
@Injectable()
export class StepStore {
  /** Facts of the steps of each deployment, by its id. */
  async of(tx: EntityManager, deployments: readonly string[]): Promise<Map<string, Map<string, StepFact>>> {
    const rows = await rowsOf<StepRow>(tx, `SELECT * FROM deployment_step WHERE deployment = ANY($1::uuid[])`, [deployments]);
    const facts = new Map(deployments.map((id) => [id, new Map<string, StepFact>()]));
    for (const row of rows) facts.get(row.deployment)!.set(stepKey(row.agent, row.step), factOf(row));
    return facts;
  }

  /** Writes how a step stands; it keeps the moment at which it was begun. */
  async put(tx: EntityManager, workspace: string, deployment: string, write: StepWrite): Promise<StepFact> {
    const { agent, step, source, state, fraction, note, by } = write;
    const rows = await rowsOf<StepRow>(
      tx,
      `INSERT INTO deployment_step AS s (workspace, deployment, agent, step, source, state, fraction, note, by_principal, begun_at, ended_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $6 = 'begun' THEN now() END, CASE WHEN $6 IN ('done', 'failed') THEN now() END)
       ON CONFLICT (workspace, deployment, agent, step) DO UPDATE SET source = excluded.source, state = excluded.state,
         fraction = excluded.fraction, note = excluded.note, by_principal = excluded.by_principal,
         begun_at = CASE WHEN excluded.state = 'pending' THEN NULL WHEN s.state = 'begun' THEN s.begun_at ELSE coalesce(excluded.begun_at, s.begun_at) END,
         ended_at = excluded.ended_at
       RETURNING *`,
      [workspace, deployment, agent, step, source, state, fraction, note ?? null, by],
    );
    return factOf(rows[0]!);
  }

  /** Remembers what a step of a registered agent took, from begun to done. */
  async remember(tx: EntityManager, workspace: string, agent: string, step: string, fact: StepFact): Promise<void> {
    if (fact.begunAt === undefined || fact.endedAt === undefined) return;
    const seconds = Math.max(0, (fact.endedAt.getTime() - fact.begunAt.getTime()) / 1000);
    await tx.query(`INSERT INTO step_history (workspace, agent, step, id, seconds) VALUES ($1, $2, $3, $4, $5)`, [
      workspace,
      agent,
      step,
      newUuid(),
      seconds,
    ]);
    await tx.query(
      `DELETE FROM step_history WHERE agent = $1 AND step = $2 AND id NOT IN
         (SELECT id FROM step_history WHERE agent = $1 AND step = $2 ORDER BY id DESC LIMIT $3)`,
      [agent, step, historyMax],
    );
  }

  /** What steps of these registered agents took, in days: nine of ten lie between low and high. */
  async history(tx: EntityManager, agents: readonly string[]): Promise<Map<string, Estimate>> {
    const rows = await rowsOf<{ agent: string; step: string; low: number; high: number }>(
      tx,
      `SELECT agent, step, percentile_cont(0.05) WITHIN GROUP (ORDER BY seconds) AS low, percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS high
       FROM step_history WHERE agent = ANY($1) GROUP BY agent, step HAVING count(*) >= $2`,
      [agents, historyMin],
    );
    return new Map(rows.map((row) => [stepKey(row.agent, row.step), [row.low / secondsPerDay, row.high / secondsPerDay]]));
  }

  /** Drops steps that a new manifest does not have, or has with another source. */
  async keepOnly(
    tx: EntityManager,
    deployment: string,
    kept: readonly { agent: string; step: string; source: StepSource }[],
  ): Promise<void> {
    await tx.query(
      `DELETE FROM deployment_step AS s WHERE deployment = $1 AND NOT EXISTS
         (SELECT 1 FROM unnest($2::text[], $3::text[], $4::text[]) AS k(agent, step, source)
          WHERE k.agent = s.agent AND k.step = s.step AND k.source = s.source)`,
      [deployment, kept.map(({ agent }) => agent), kept.map(({ step }) => step), kept.map(({ source }) => source)],
    );
  }
}

function factOf(row: StepRow): StepFact {
  return {
    state: row.state,
    fraction: row.fraction,
    ...(row.note !== null && { note: row.note }),
    by: row.by_principal,
    ...(row.begun_at !== null && { begunAt: row.begun_at }),
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
  };
}
