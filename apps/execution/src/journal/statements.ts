/**
 * The statements of an append. One row a run; bodies come as one binary parameter and are cut by offset, so that nothing is escaped.
 * `plain`: transitions of runs that neither start nor end and have no blobs. `full`: everything, in one statement, so that what goes beside the
 * journal is there if and only if its row is. `used`: as `plain`, with what attempts used.
 */
const rows = `unnest($1::uuid[], $2::int[], $3::date[], $4::int[], $5::uuid[], $6::int[], $7::int[])
  AS r (run_id, seq, day, count, workspace, at, size)`;

const insert = `INSERT INTO journal (run_id, seq, day, count, workspace, writer, body)
  SELECT r.run_id, r.seq, r.day, r.count, r.workspace, $9::text, substring($8::bytea FROM r.at FOR r.size)`;

export const appendPlain = {
  name: 'append-plain',
  text: `${insert} FROM ${rows} ON CONFLICT DO NOTHING RETURNING run_id`,
};

/** `parameter`: JSON of the rows, each with the run whose it is. */
const insertUsed = (
  parameter: string,
): string => `INSERT INTO usage_entry (workspace, hour, workflow, agent, model, attempts, input_tokens, output_tokens, cost_usd)
    SELECT u.workspace, u.hour, u.workflow, u.agent, u.model, u.attempts, u.input_tokens, u.output_tokens, u.cost_usd
      FROM jsonb_to_recordset(${parameter}::jsonb)
        AS u (run_id uuid, workspace uuid, hour timestamptz, workflow text, agent text, model text, attempts bigint, input_tokens bigint,
              output_tokens bigint, cost_usd numeric)
     WHERE u.run_id IN (SELECT run_id FROM appended)`;

export const appendUsed = {
  name: 'append-used',
  text: `WITH appended AS (
    ${insert} FROM ${rows} ON CONFLICT DO NOTHING RETURNING run_id
  ), used AS (
    ${insertUsed('$10')}
  )
  SELECT run_id FROM appended`,
};

export const appendFull = {
  name: 'append-full',
  text: `WITH keys AS (
    INSERT INTO start_key AS k (workspace, key, request_hash, run_id, expires)
    SELECT s.workspace, s.key, s.request_hash, s.run_id, now() + interval '24 hours'
      FROM unnest($10::uuid[], $11::text[], $12::text[], $13::uuid[]) AS s (workspace, key, request_hash, run_id)
    ON CONFLICT (workspace, key) DO UPDATE
      SET request_hash = excluded.request_hash, run_id = excluded.run_id, expires = excluded.expires WHERE k.expires < now()
    RETURNING run_id
  ), starts AS (
    INSERT INTO run (run_id, day, workspace, workflow, definition, shard, labels, principal, principal_name, grant_id, parent, timeout_ms,
                     status, reason, created_at, ended_at, error, progress, usage, agents, standing, places)
    SELECT s.run_id, s.day, s.workspace, s.workflow, s.definition, s.shard, s.labels, s.principal, s.principal_name, s.grant_id, s.parent,
           s.timeout_ms, s.status, s.reason, s.created_at, s.ended_at, s.error, s.progress, s.usage,
           ARRAY(SELECT jsonb_array_elements_text(s.agents)), s.standing, s.places
      FROM unnest($14::uuid[], $15::date[], $16::uuid[], $17::text[], $18::text[], $19::smallint[], $20::jsonb[], $21::text[], $22::text[],
                  $23::text[], $24::uuid[], $25::bigint[], $26::text[], $27::text[], $28::timestamptz[], $29::timestamptz[], $30::text[],
                  $31::text[], $32::text[], $33::boolean[], $56::jsonb[], $57::jsonb[], $65::jsonb[])
        AS s (run_id, day, workspace, workflow, definition, shard, labels, principal, principal_name, grant_id, parent, timeout_ms,
              status, reason, created_at, ended_at, error, progress, usage, is_keyed, agents, standing, places)
     WHERE NOT s.is_keyed OR s.run_id IN (SELECT run_id FROM keys)
    ON CONFLICT DO NOTHING RETURNING run_id
  ), woken AS (
    SELECT * FROM unnest($61::uuid[], $62::smallint[], $63::int[]) AS w (run_id, shard, epoch)
  ), held AS (
    -- Whoever takes such a shard waits for our commit and then finds the run awake, or came first and is seen here.
    SELECT s.shard, s.epoch FROM shard s WHERE s.shard IN (SELECT shard FROM woken) FOR SHARE SKIP LOCKED
  ), appended AS (
    ${insert} FROM ${rows}
     WHERE (r.seq > 0 OR r.run_id IN (SELECT run_id FROM starts))
       AND r.run_id NOT IN (SELECT run_id FROM woken WHERE (shard, epoch) NOT IN (SELECT shard, epoch FROM held))
    ON CONFLICT DO NOTHING RETURNING run_id
  ), ends AS (
    UPDATE run SET status = e.status, reason = e.reason, ended_at = e.ended_at, error = e.error, progress = e.progress, usage = e.usage,
                   wake_at = e.wake_at, rests_on_child = e.rests_on_child, standing = run.standing || e.standing,
                   places = e.places
      FROM unnest($34::uuid[], $35::text[], $36::text[], $37::timestamptz[], $38::text[], $39::text[], $40::text[], $58::jsonb[],
                  $59::timestamptz[], $60::boolean[], $66::jsonb[])
        AS e (run_id, status, reason, ended_at, error, progress, usage, standing, wake_at, rests_on_child, places)
     WHERE run.run_id = e.run_id AND e.run_id IN (SELECT run_id FROM appended)
  ), blobs AS (
    INSERT INTO blob (run_id, sha256, day, workspace, body)
    SELECT b.run_id, b.sha256, b.day, b.workspace, substring($41::bytea FROM b.at FOR b.size)
      FROM unnest($42::uuid[], $43::bytea[], $44::date[], $45::uuid[], $46::int[], $47::int[]) AS b (run_id, sha256, day, workspace, at, size)
     WHERE b.run_id IN (SELECT run_id FROM appended)
    ON CONFLICT DO NOTHING
  ), events AS (
    INSERT INTO outbox (id, subject, workspace, entity, version, payload)
    SELECT o.id, o.subject, o.workspace, o.entity, o.version, o.payload
      FROM unnest($48::text[], $49::uuid[], $50::uuid[], $51::text[], $52::text[], $53::bigint[], $54::jsonb[])
        AS o (subject, id, run_id, workspace, entity, version, payload)
     WHERE o.run_id IN (SELECT run_id FROM appended)
  ), approvals AS (
    INSERT INTO approval (approval_id, run_id, day, workspace, workflow, step, label, message, status, answerers, not_by, asked_at, deadline,
                          answered_at, answered_by, answered_by_name, reminded_at)
    SELECT a.* FROM jsonb_to_recordset($55::jsonb)
        AS a (approval_id uuid, run_id uuid, day date, workspace uuid, workflow text, step text, label text, message text, status text,
              answerers text[], not_by text, asked_at timestamptz, deadline timestamptz, answered_at timestamptz, answered_by text,
              answered_by_name text, reminded_at timestamptz)
     WHERE a.run_id IN (SELECT run_id FROM appended)
    ON CONFLICT (approval_id) DO UPDATE
      SET status = excluded.status, answerers = excluded.answerers, answered_at = excluded.answered_at, answered_by = excluded.answered_by,
          answered_by_name = excluded.answered_by_name, reminded_at = excluded.reminded_at
  ), used AS (
    ${insertUsed('$64')}
  )
  SELECT run_id FROM appended`,
};

/** Whether rows of these runs and numbers are there, and whose they are. */
export const ownRows = {
  name: 'own-rows',
  text: `SELECT j.run_id, j.seq, j.writer FROM journal j
    JOIN unnest($1::uuid[], $2::int[], $3::date[]) AS r (run_id, seq, day) ON j.run_id = r.run_id AND j.seq = r.seq AND j.day = r.day`,
};
