export const up: string[] = [
  // When a version became the current one, last; null: it never was. What a version says still never changes.
  'ALTER TABLE agent_version ADD COLUMN current_at timestamptz',
  'GRANT UPDATE (current_at) ON agent_version TO registry',
  // Row security holds the owner too, who is in no workspace.
  'ALTER TABLE agent_version NO FORCE ROW LEVEL SECURITY',
  'ALTER TABLE rollout NO FORCE ROW LEVEL SECURITY',
  // A version that was to come step by step began its rollout as it was applied.
  `UPDATE agent_version AS v SET current_at = coalesce(
     (SELECT max(r.ended_at) FROM rollout AS r WHERE r.agent = v.agent AND r.version = v.version AND r.status = 'promoted'),
     CASE WHEN NOT EXISTS (SELECT 1 FROM rollout AS r WHERE r.agent = v.agent AND r.version = v.version AND r.created_at = v.created_at)
       THEN v.created_at END)`,
  'ALTER TABLE rollout FORCE ROW LEVEL SECURITY',
  'ALTER TABLE agent_version FORCE ROW LEVEL SECURITY',
  // Losses are forgotten when somebody comes; a loop of them is seen by those that came and were lost.
  'ALTER TABLE instance ADD COLUMN was_lost boolean NOT NULL DEFAULT false',
];

export const down: string[] = ['ALTER TABLE instance DROP COLUMN was_lost', 'ALTER TABLE agent_version DROP COLUMN current_at'];
