import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';

/** One process that the local runner keeps up, or kept up until a crash. */
export interface ProcessRow {
  workspace: string;
  deployment: string;
  /** Its agent's name in the deployment, and which of its replicas it is. */
  agent: string;
  slot: number;
  registered_agent: string;
  /** The name that its instance has now. */
  instance: string;
  api_key_id: string | null;
  /** The version of the agent that it runs. */
  hash: string;
  /** Why the runner has given up on it. */
  failure: string | null;
}

/** Processes of the local runner. Every method works in a transaction of one workspace. */
@Injectable()
export class ProcessStore {
  of(tx: EntityManager, deployment: string): Promise<ProcessRow[]> {
    return rowsOf<ProcessRow>(tx, `SELECT * FROM runner_process WHERE deployment = $1 ORDER BY agent, slot`, [deployment]);
  }

  /** Writes the process as it is about to be started. */
  async put(tx: EntityManager, row: Omit<ProcessRow, 'failure'>): Promise<void> {
    await tx.query(
      `INSERT INTO runner_process (workspace, deployment, agent, slot, registered_agent, instance, api_key_id, hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (workspace, deployment, agent, slot) DO UPDATE SET registered_agent = excluded.registered_agent, instance = excluded.instance,
         api_key_id = excluded.api_key_id, hash = excluded.hash, failure = NULL`,
      [row.workspace, row.deployment, row.agent, row.slot, row.registered_agent, row.instance, row.api_key_id, row.hash],
    );
  }

  async setFailure(
    tx: EntityManager,
    { deployment, agent, slot }: Pick<ProcessRow, 'deployment' | 'agent' | 'slot'>,
    failure: string | null,
  ): Promise<void> {
    await tx.query(`UPDATE runner_process SET failure = $4 WHERE deployment = $1 AND agent = $2 AND slot = $3`, [
      deployment,
      agent,
      slot,
      failure,
    ]);
  }

  /** Forgets processes: all of a deployment, or one. */
  async remove(tx: EntityManager, deployment: string, one?: { agent: string; slot: number }): Promise<ProcessRow[]> {
    return changedRows<ProcessRow>(
      tx,
      `DELETE FROM runner_process WHERE deployment = $1 AND ($2::text IS NULL OR (agent = $2 AND slot = $3)) RETURNING *`,
      [deployment, one?.agent ?? null, one?.slot ?? null],
    );
  }
}
