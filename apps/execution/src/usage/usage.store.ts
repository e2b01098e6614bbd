import { Injectable } from '@nestjs/common';
import { badCursor, decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import type { ListUsageReply, ListUsageRequest, UsageSums } from '@signalbox/shared/contracts/execution/list-usage.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { windowOf } from './window.ts';

interface UsageRow extends UsageSums {
  at: Date | null;
  workflow: string;
  agent: string;
  model: string;
}

// Of both tables in one statement: what is moved from one to the other meanwhile is seen once.
const sums = `sum(u.attempts)::float8 AS attempts, sum(u.input_tokens)::float8 AS "inputTokens", sum(u.output_tokens)::float8 AS "outputTokens",
    sum(u.cost_usd)::float8 AS "costUsd"`;
const usedSql = `SELECT hour, workflow, agent, model, attempts, input_tokens, output_tokens, cost_usd FROM (
      SELECT * FROM usage_hour UNION ALL SELECT * FROM usage_entry) AS all_used
    WHERE workspace = $1 AND hour >= $2 AND hour < $3 AND ($4::text IS NULL OR workflow = $4) AND ($5::text IS NULL OR agent = $5)
      AND ($6::text IS NULL OR model = $6) AND ($7 = '' OR strpos(lower(workflow || ' ' || agent || ' ' || model), lower($7)) > 0)`;
const rowsSql = `WITH used AS (${usedSql})
  SELECT * FROM (
    SELECT date_trunc($8, u.hour, 'UTC') AS at, CASE WHEN 'workflow' = ANY($9::text[]) THEN u.workflow ELSE '' END AS workflow,
           CASE WHEN 'agent' = ANY($9) THEN u.agent ELSE '' END AS agent, CASE WHEN 'model' = ANY($9) THEN u.model ELSE '' END AS model, ${sums}
      FROM used u GROUP BY 1, 2, 3, 4) AS g
  WHERE $10::text IS NULL OR (coalesce(g.at, '-infinity'), g.workflow, g.agent, g.model) > (coalesce(nullif($10, '')::timestamptz, '-infinity'), $11::text, $12::text, $13::text)
  ORDER BY g.at, g.workflow, g.agent, g.model LIMIT $14`;
const totalSql = `WITH used AS (${usedSql}) SELECT ${sums} FROM used u HAVING count(*) > 0`;

const timePattern = /^[1-9]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Hour, workflow, agent and model; the hour is empty where nothing is shown by time. */
function positionIn(cursor: string): string[] {
  const position = decodeCursor(cursor, 4);
  const [at = ''] = position;
  if (at !== '' && (!timePattern.test(at) || Number.isNaN(Date.parse(at)))) throw badCursor();
  return position;
}

const nothing: UsageSums = { attempts: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** What was used, under row security of the caller's workspace. */
@Injectable()
export class UsageStore {
  constructor(private readonly db: WorkspaceDatabase) {}

  async list(workspace: string, request: ListUsageRequest): Promise<ListUsageReply> {
    const { bucket, by = '', workflow, agent, model, q = '', limit = pageLimitDefault, cursor } = request;
    const { from, to } = windowOf(request, now());
    const window = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    const after = cursor === undefined ? [null, null, null, null] : positionIn(cursor);
    const asked = [workspace, window.from, window.to, workflow ?? null, agent ?? null, model ?? null, q];
    const chosen = by.split(',');
    const { rows, total } = await this.db.inWorkspace(workspace, async (tx) => ({
      rows: await tx.query<UsageRow[]>(rowsSql, [...asked, bucket ?? null, chosen, ...after, limit + 1]),
      total: (await tx.query<UsageSums[]>(totalSql, asked))[0] ?? nothing,
    }));
    const named = (row: UsageRow, name: 'workflow' | 'agent' | 'model'): string | null => (chosen.includes(name) ? row[name] : null);
    const page = pageOf(
      rows,
      limit,
      (row) => [row.at?.toISOString() ?? '', row.workflow, row.agent, row.model],
      (row) => ({
        at: row.at?.toISOString() ?? null,
        workflow: named(row, 'workflow'),
        agent: named(row, 'agent'),
        model: named(row, 'model'),
        attempts: row.attempts,
        inputTokens: row.inputTokens,
        outputTokens: row.outputTokens,
        costUsd: row.costUsd,
      }),
    );
    return { ...page, total, ...window };
  }
}
