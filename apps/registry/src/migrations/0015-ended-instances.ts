export const up: string[] = [
  // A beat that was under way when its process ended does not bring it back.
  'ALTER TABLE instance ADD COLUMN has_ended boolean NOT NULL DEFAULT false',
];

export const down: string[] = ['ALTER TABLE instance DROP COLUMN has_ended'];
