import { Injectable } from '@nestjs/common';
import type { MirrorPair } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { parseTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { mirrorPairDays, mirrorPairsKept, type RolloutPair } from '@signalbox/shared/contracts/registry/rollout.js';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import { differenceOf, shownSide, shownValue } from './mirror-pairs.ts';
import type { RolloutRow } from './rollout-row.ts';

interface PairRow {
  task: string;
  at: Date;
  because: string;
  input: string;
  stable: string;
  candidate: string;
  stable_ms: number;
  candidate_ms: number;
}

/** Mirrored calls that both versions answered in different ways: the newest of each rollout, for some days. */
@Injectable()
export class MirrorStore {
  async add(tx: EntityManager, { workspace, id }: Pick<RolloutRow, 'workspace' | 'id'>, pairs: readonly MirrorPair[]): Promise<void> {
    const differing = pairs.filter((pair) => differenceOf(pair) !== null).slice(-mirrorPairsKept);
    if (differing.length === 0) return;
    for (const pair of differing) {
      const { task, input, stable, candidate } = pair;
      await tx.query(
        `INSERT INTO rollout_pair (workspace, rollout, task, because, input, stable, candidate, stable_ms, candidate_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
        [
          ...[workspace, id, task, differenceOf(pair), ...[shownValue(input), shownSide(stable), shownSide(candidate)].map(withoutNul)],
          ...[stable.tookMs, candidate.tookMs],
        ],
      );
    }
    await tx.query(
      `DELETE FROM rollout_pair WHERE rollout = $1 AND task NOT IN (SELECT task FROM rollout_pair WHERE rollout = $1 ORDER BY at DESC, task LIMIT $2)`,
      [id, mirrorPairsKept],
    );
  }

  /** The newest first. */
  async list(tx: EntityManager, id: string): Promise<RolloutPair[]> {
    const rows = await rowsOf<PairRow>(
      tx,
      `SELECT * FROM rollout_pair WHERE rollout = $1 AND at > now() - make_interval(days => $2) ORDER BY at DESC, task LIMIT $3`,
      [id, mirrorPairDays, mirrorPairsKept],
    );
    return rows.map(({ task, at, because, input, stable, candidate, stable_ms: stableMs, candidate_ms: candidateMs }) => ({
      at: at.toISOString(),
      run: parseTask(task).run,
      ...{ because, input, stable, candidate, stableMs, candidateMs },
    }));
  }

  /** Those that are too old, of all workspaces; by the system's role. */
  async forget(tx: EntityManager, max: number): Promise<void> {
    await tx.query(
      `DELETE FROM rollout_pair WHERE (workspace, rollout, task) IN
         (SELECT workspace, rollout, task FROM rollout_pair WHERE at <= now() - make_interval(days => $1) LIMIT $2)`,
      [mirrorPairDays, max],
    );
  }
}

/** A column of text cannot hold it. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
