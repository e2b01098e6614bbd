/**
 * What runs are found by is written with what it is of: columns that PostgreSQL generates cost each start and each end of a run 0.2 ms, most of it to
 * read what they are made by. Whoever does not say it (a version from before, an import) has it said by the trigger.
 */
const generated: Record<string, string> = {
  cost_usd: `double precision GENERATED ALWAYS AS ((usage::jsonb ->> 'costUsd')::double precision) STORED`,
  duration_ms: `bigint GENERATED ALWAYS AS (round(extract(epoch FROM ended_at - created_at) * 1000)::bigint) STORED`,
  is_waiting: `boolean GENERATED ALWAYS AS (coalesce((standing ->> 'isWaiting')::boolean, false)) STORED`,
  error_code: `text GENERATED ALWAYS AS (coalesce(standing ->> 'errorCode', error::jsonb ->> 'code')) STORED`,
  failed_step: `text GENERATED ALWAYS AS (standing ->> 'failedStep') STORED`,
};

const columns = Object.keys(generated);

export const up: string[] = [
  `ALTER TABLE run ${columns.map((name) => `ALTER COLUMN ${name} DROP EXPRESSION`).join(', ')}`,
  `CREATE FUNCTION run_found_by() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
   BEGIN
     NEW.cost_usd := (NEW.usage::jsonb ->> 'costUsd')::double precision;
     NEW.duration_ms := round(extract(epoch FROM NEW.ended_at - NEW.created_at) * 1000)::bigint;
     NEW.is_waiting := coalesce((NEW.standing ->> 'isWaiting')::boolean, false);
     NEW.error_code := coalesce(NEW.standing ->> 'errorCode', NEW.error::jsonb ->> 'code');
     NEW.failed_step := NEW.standing ->> 'failedStep';
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER run_found_by BEFORE INSERT OR UPDATE OF standing, ended_at ON run FOR EACH ROW
     WHEN ((NEW.ended_at IS NOT NULL AND NEW.duration_ms IS NULL) OR NEW.is_waiting IS DISTINCT FROM coalesce((NEW.standing ->> 'isWaiting')::boolean, false))
     EXECUTE FUNCTION run_found_by()`,
];

export const down: string[] = [
  'DROP TRIGGER run_found_by ON run',
  'DROP FUNCTION run_found_by()',
  'DROP INDEX run_problem, run_by_error, run_by_cost, run_by_duration',
  `ALTER TABLE run ${columns.map((name) => `DROP COLUMN ${name}`).join(', ')}`,
  `ALTER TABLE run ${columns.map((name) => `ADD COLUMN ${name} ${generated[name]}`).join(', ')}`,
  `CREATE INDEX run_by_duration ON run (workspace, duration_ms DESC, run_id DESC) WHERE duration_ms IS NOT NULL`,
  `CREATE INDEX run_by_cost ON run (workspace, cost_usd DESC, run_id DESC) WHERE cost_usd > 0`,
  `CREATE INDEX run_by_error ON run (workspace, error_code, run_id DESC) WHERE error_code IS NOT NULL`,
  `CREATE INDEX run_problem ON run (workspace, error_code, workflow, failed_step, run_id DESC)
     WHERE error_code IS NOT NULL AND resolution IS NULL AND parent IS NULL`,
];
