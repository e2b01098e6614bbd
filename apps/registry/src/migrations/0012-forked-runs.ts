export const up: string[] = [
  // The run that an attempt was, where a recorded run was done again.
  `ALTER TABLE eval_attempt ADD COLUMN run text`,
];

export const down: string[] = ['ALTER TABLE eval_attempt DROP COLUMN run'];
