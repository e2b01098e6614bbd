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
