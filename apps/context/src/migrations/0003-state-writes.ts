export const up: string[] = [
  // Which write made a version: the same one again finds it.
  `ALTER TABLE state_version ADD COLUMN idempotency_key text`,
];

export const down: string[] = ['ALTER TABLE state_version DROP COLUMN idempotency_key'];
