/**
 * Runs that only wait are in nobody's memory: `wake_at` says when one is to be looked at. Who takes a shard loads those that are awake, and finds
 * resting parents and children that were not told of each other's end.
 */
export const up: string[] = [
  `ALTER TABLE run ADD COLUMN rests_on_child boolean NOT NULL DEFAULT false`,
  `DROP INDEX run_live`,
  `CREATE INDEX run_live ON run (shard) WHERE (status = 'running' OR closing) AND wake_at IS NULL`,
  `CREATE INDEX run_resting_family ON run (shard) WHERE wake_at IS NOT NULL AND (rests_on_child OR parent IS NOT NULL)`,
  // Lists of what runs or waits: most of a workspace's runs have ended.
  `CREATE INDEX run_open ON run (workspace, run_id DESC) WHERE status = 'running'`,
];

export const down: string[] = [
  `DROP INDEX run_open, run_resting_family, run_live`,
  `CREATE INDEX run_live ON run (shard) WHERE status = 'running' OR closing`,
  `UPDATE run SET wake_at = NULL WHERE wake_at IS NOT NULL`,
  `ALTER TABLE run DROP COLUMN rests_on_child`,
];
