export const up: string[] = [
  // The smaller workflow that the definition names, and with whose rights it is looked whether capacity is short; since when new runs get it, and why.
  `ALTER TABLE workflow
    ADD COLUMN scale_to text,
    ADD COLUMN scale_grant text,
    ADD COLUMN scaled_at timestamptz,
    ADD COLUMN scaled_how text,
    ADD COLUMN scaled_because text,
    ADD COLUMN scaled_by text,
    ADD COLUMN scale_version int NOT NULL DEFAULT 0`,
  `CREATE INDEX workflow_scaled ON workflow (workspace, name) WHERE scale_to IS NOT NULL`,
];

export const down: string[] = [
  'DROP INDEX workflow_scaled',
  `ALTER TABLE workflow
    DROP COLUMN scale_to, DROP COLUMN scale_grant, DROP COLUMN scaled_at, DROP COLUMN scaled_how, DROP COLUMN scaled_because,
    DROP COLUMN scaled_by, DROP COLUMN scale_version`,
];
