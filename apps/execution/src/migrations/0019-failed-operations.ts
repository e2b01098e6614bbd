/** Why an operation on many runs could not go on. */
export const up: string[] = ['ALTER TABLE run_operation ADD COLUMN reason text'];

export const down: string[] = ['ALTER TABLE run_operation DROP COLUMN reason'];
