export const up: string[] = [
  // When who may answer was last reminded.
  `ALTER TABLE approval ADD COLUMN reminded_at timestamptz`,
];

export const down: string[] = ['ALTER TABLE approval DROP COLUMN reminded_at'];
