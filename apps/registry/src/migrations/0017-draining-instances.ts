export const up: string[] = [
  // What an instance says of itself while it is isolated: released, it must not be given work that it does not take.
  'ALTER TABLE instance ADD COLUMN is_draining boolean NOT NULL DEFAULT false',
  `UPDATE instance SET is_draining = true WHERE status = 'draining'`,
];

export const down: string[] = ['ALTER TABLE instance DROP COLUMN is_draining'];
