/**
 * The outbox of a service, for its first migration: what happened, written in the transaction of the change. `published_at` stays null until
 * the event stream has it.
 */
export const outboxUp: string[] = [
  `CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    subject text NOT NULL,
    workspace text NOT NULL,
    entity text NOT NULL,
    version bigint NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
  )`,
  `CREATE INDEX outbox_unpublished ON outbox (created_at) WHERE published_at IS NULL`,
  `CREATE INDEX outbox_age ON outbox (created_at)`,
];

export const outboxDown: string[] = ['DROP TABLE outbox'];

/** Hours that a published event is kept at least, to be published again when the stream has lost it. */
const outboxKeepHours = 24;

/**
 * The outbox behind walls, for a later migration of each service: requests only add to it, and only for their own workspace; background work marks
 * what is published, and drops it through a function that leaves what is unpublished or young. Nobody changes what was written.
 */
export const outboxWallUp: string[] = [
  'ALTER TABLE outbox ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE outbox FORCE ROW LEVEL SECURITY',
  `CREATE POLICY workspace ON outbox FOR INSERT WITH CHECK (workspace = current_setting('sb.workspace', true))`,
  `DO $$ BEGIN
     EXECUTE format('CREATE POLICY owner ON outbox TO %I USING (true)', current_schema() || '_owner');
     EXECUTE format('REVOKE ALL ON outbox FROM %I, %I', current_schema(), current_schema() || '_system');
     EXECUTE format('GRANT INSERT ON outbox TO %I, %I', current_schema(), current_schema() || '_system');
     EXECUTE format('GRANT SELECT, UPDATE (published_at) ON outbox TO %I', current_schema() || '_system');
   END $$`,
  `CREATE FUNCTION drop_published(most int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
     DELETE FROM outbox WHERE id IN (
       SELECT id FROM outbox WHERE created_at < now() - interval '${outboxKeepHours} hours' AND published_at IS NOT NULL LIMIT most)
   $$`,
  `DO $$ BEGIN EXECUTE format('GRANT EXECUTE ON FUNCTION drop_published(int) TO %I', current_schema() || '_system'); END $$`,
];

export const outboxWallDown: string[] = [
  'DROP FUNCTION drop_published(int)',
  'DROP POLICY owner ON outbox',
  'DROP POLICY workspace ON outbox',
  'ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY',
  'ALTER TABLE outbox DISABLE ROW LEVEL SECURITY',
  `DO $$ BEGIN
     EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO %I, %I', current_schema(), current_schema() || '_system');
   END $$`,
];
