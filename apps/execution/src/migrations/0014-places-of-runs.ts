/** What a run waits for before it begins, or has while others wait for it: whoever takes its shard speaks for it, also while it rests. */
export const up: string[] = [
  `ALTER TABLE run ADD COLUMN places jsonb`,
  `CREATE INDEX run_resting_places ON run (shard) WHERE wake_at IS NOT NULL AND places IS NOT NULL`,
];

export const down: string[] = ['DROP INDEX run_resting_places', 'ALTER TABLE run DROP COLUMN places'];
