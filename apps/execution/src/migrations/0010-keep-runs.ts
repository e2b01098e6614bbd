const partitioned = ['journal', 'blob', 'snapshot'] as const;
const parents = `ARRAY['${partitioned.join(`', '`)}']`;

/** Functions of the owner, since nobody else may delete from the journal: who may call them. */
function granted(name: string, ...roles: ('request' | 'system')[]): string[] {
  const suffixes = roles.map((role) => (role === 'system' ? `current_schema() || '_system'` : 'current_schema()'));
  return [
    `REVOKE ALL ON FUNCTION ${name} FROM PUBLIC`,
    `DO $$ BEGIN EXECUTE format('GRANT EXECUTE ON FUNCTION ${name} TO ${roles.map(() => '%I').join(', ')}', ${suffixes.join(', ')}); END $$`,
  ];
}

export const up: string[] = [
  // How long ended runs stay, in milliseconds by status, where the workflow says so.
  `ALTER TABLE definition ADD COLUMN retention jsonb`,
  `CREATE INDEX definition_retention ON definition (workspace, hash) WHERE retention IS NOT NULL`,
  // Where a run was done that was read from a file; null: here.
  `ALTER TABLE run ADD COLUMN origin jsonb`,

  // What a run's steps started is found by it.
  `CREATE INDEX run_by_parent ON run (parent) WHERE parent IS NOT NULL`,

  // What is recorded of runs of one day, of the caller's workspace; their rows of `run` are the caller's to delete.
  `CREATE FUNCTION forget_runs(d date, ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE parent text; part text; own uuid := nullif(current_setting('sb.workspace', true), '')::uuid;
   BEGIN
     FOREACH parent IN ARRAY ${parents} LOOP
       FOREACH part IN ARRAY ARRAY[parent || '_' || to_char(d, 'YYYYMMDD'), parent || '_' || to_char(d, 'YYYYMMDD') || '_kept'] LOOP
         IF to_regclass(part) IS NOT NULL THEN
           EXECUTE format('DELETE FROM %I WHERE run_id = ANY($1) AND workspace = $2', part) USING ids, own;
         END IF;
       END LOOP;
     END LOOP;
   END $$`,
  ...granted('forget_runs(date, uuid[])', 'request', 'system'),

  // What stays of a day is written anew beside it; that it is there says that this has begun.
  `CREATE FUNCTION begin_keeping(d date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE parent text; kept text;
   BEGIN
     FOREACH parent IN ARRAY ${parents} LOOP
       kept := parent || '_' || to_char(d, 'YYYYMMDD') || '_kept';
       EXECUTE format('DROP TABLE IF EXISTS %I', kept);
       EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL, CHECK (day >= %L AND day < %L))', kept, parent, d, d + 1);
       EXECUTE format('REVOKE ALL ON %I FROM %I, %I', kept, current_schema(), current_schema() || '_system');
     END LOOP;
   END $$`,
  ...granted('begin_keeping(date)', 'system'),
  `CREATE FUNCTION keep_runs(d date, ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE parent text; part text;
   BEGIN
     FOREACH parent IN ARRAY ${parents} LOOP
       part := parent || '_' || to_char(d, 'YYYYMMDD');
       EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE run_id = ANY($1) ON CONFLICT DO NOTHING', part || '_kept', part) USING ids;
     END LOOP;
   END $$`,
  ...granted('keep_runs(date, uuid[])', 'system'),
  // From here to the end of the transaction nobody reads or appends: what is copied in it is all there is.
  `CREATE FUNCTION hold_days() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   BEGIN
     SET LOCAL lock_timeout = '2s';
     LOCK TABLE ${partitioned.join(', ')} IN ACCESS EXCLUSIVE MODE;
   END $$`,
  ...granted('hold_days()', 'system'),
  `CREATE FUNCTION end_keeping(d date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE parent text; part text;
   BEGIN
     FOREACH parent IN ARRAY ${parents} LOOP
       part := parent || '_' || to_char(d, 'YYYYMMDD');
       EXECUTE format('DROP TABLE %I', part);
       EXECUTE format('ALTER TABLE %I RENAME TO %I', part || '_kept', part);
       EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, d, d + 1);
     END LOOP;
   END $$`,
  ...granted('end_keeping(date)', 'system'),
  // A day may be dropped whose keeping had begun: nothing of it stays any more.
  `CREATE OR REPLACE FUNCTION drop_day(d date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE parent text;
   BEGIN
     SET LOCAL lock_timeout = '2s';
     FOREACH parent IN ARRAY ${parents} LOOP
       EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(d, 'YYYYMMDD'));
       EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(d, 'YYYYMMDD') || '_kept');
     END LOOP;
   END $$`,
];

export const down: string[] = [
  'DROP FUNCTION end_keeping(date)',
  'DROP FUNCTION hold_days()',
  'DROP FUNCTION keep_runs(date, uuid[])',
  'DROP FUNCTION begin_keeping(date)',
  'DROP FUNCTION forget_runs(date, uuid[])',
  // What was being kept of a day is in that day still.
  `DO $$ DECLARE part text; BEGIN
     FOR part IN SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^(journal|blob|snapshot)_[0-9]{8}_kept$' AND relkind = 'r' LOOP
       EXECUTE format('DROP TABLE %I', part);
     END LOOP;
   END $$`,
  'DROP INDEX run_by_parent',
  'ALTER TABLE run DROP COLUMN origin',
  'DROP INDEX definition_retention',
  'ALTER TABLE definition DROP COLUMN retention',
];
