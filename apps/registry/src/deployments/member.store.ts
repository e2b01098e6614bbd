import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import type { MemberFact, MemberStanding } from './facts.ts';

interface MemberRow {
  deployment: string;
  member: string;
  standing: MemberStanding;
  note: string;
  observed: string | null;
  baseline: string | null;
}

/** What services said of the members of deployments that are no agents, and what was there at the last start. Every method works in a transaction of one workspace. */
@Injectable()
export class MemberStore {
  /** By the deployment's id, then by the member's name. */
  async of(tx: EntityManager, deployments: readonly string[]): Promise<Map<string, Map<string, MemberFact>>> {
    const rows = await rowsOf<MemberRow>(tx, `SELECT * FROM deployment_member WHERE deployment = ANY($1::uuid[])`, [deployments]);
    const facts = new Map(deployments.map((id) => [id, new Map<string, MemberFact>()]));
    for (const row of rows) facts.get(row.deployment)!.set(row.member, factOf(row));
    return facts;
  }

  /** Writes what was seen. What was there at the last start is kept; without it, what is well now is that. */
  async put(tx: EntityManager, workspace: string, deployment: string, member: string, fact: Omit<MemberFact, 'baseline'>): Promise<void> {
    await tx.query(
      `INSERT INTO deployment_member AS m (workspace, deployment, member, standing, note, observed, baseline)
       VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $4 = 'well' THEN $6 END)
       ON CONFLICT (workspace, deployment, member) DO UPDATE SET standing = excluded.standing, note = excluded.note,
         observed = excluded.observed, baseline = coalesce(m.baseline, excluded.baseline)`,
      [workspace, deployment, member, fact.standing, fact.note, fact.observed ?? null],
    );
  }

  /** What is there now is what there is to be from now on; by their names, or all of the deployment. */
  async accept(tx: EntityManager, deployment: string, members?: readonly string[]): Promise<void> {
    await tx.query(
      `UPDATE deployment_member SET baseline = CASE WHEN standing = 'well' THEN observed END
       WHERE deployment = $1 AND ($2::text[] IS NULL OR member = ANY($2))`,
      [deployment, members ?? null],
    );
  }

  /** Forgets members that a new manifest does not have, or all. */
  async keepOnly(tx: EntityManager, deployment: string, members: readonly string[]): Promise<void> {
    await tx.query(`DELETE FROM deployment_member WHERE deployment = $1 AND member <> ALL($2)`, [deployment, members]);
  }
}

function factOf({ standing, note, observed, baseline }: MemberRow): MemberFact {
  return { standing, note, ...(observed !== null && { observed }), ...(baseline !== null && { baseline }) };
}
