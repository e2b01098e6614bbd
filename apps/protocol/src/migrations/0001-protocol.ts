import { outboxDown, outboxUp } from '@signalbox/shared/outbox/outbox.sql.js';

export const up: string[] = [
  ...outboxUp,
  `CREATE TABLE breaker (
    workspace uuid NOT NULL,
    target text NOT NULL,
    state text NOT NULL CHECK (state IN ('closed', 'open', 'half-open')),
    version bigint NOT NULL,
    openings int NOT NULL,
    since timestamptz NOT NULL,
    retry_at timestamptz,
    reason text,
    PRIMARY KEY (workspace, target)
  )`,
  'ALTER TABLE breaker ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE breaker FORCE ROW LEVEL SECURITY',
  `CREATE POLICY workspace ON breaker USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
];

export const down: string[] = ['DROP TABLE breaker', ...outboxDown];
