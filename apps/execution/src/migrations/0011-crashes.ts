/**
 * Which runs owners died of, or could not handle, one row for each time: `owner` is whose end it was, or chance where it went on without the run. Of an owner
 * that lives a row says what it has been handling for a while; it takes it back. Like `replica` and `shard` it is nobody's data.
 */
export const up: string[] = [
  `CREATE TABLE run_crash (
    run_id uuid NOT NULL,
    owner uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, owner)
  )`,
  // It was to say that others are to be told of a run's end; the outbox and the journals of parents do. Nobody reads it any more: it goes with a later version.
  `COMMENT ON COLUMN run.closing IS 'not used'`,
];

export const down: string[] = [`COMMENT ON COLUMN run.closing IS NULL`, 'DROP TABLE run_crash'];
