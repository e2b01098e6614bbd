import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CataloguedTool, ToolDefinition } from './catalogue.ts';

export interface ToolRow {
  server: string;
  name: string;
  definition: ToolDefinition;
  hash: string;
  /** The hash when the tool was first seen. */
  pin: string;
  first_seen_at: Date;
  changed_at: Date | null;
}

/** Rows of `tool`. A tool that went and came back is a new one. */
@Injectable()
export class ToolStore {
  async find(tx: EntityManager, server: string, name: string): Promise<ToolRow | null> {
    const rows = await tx.query<ToolRow[]>(
      `SELECT t.* FROM tool AS t JOIN mcp_server AS s ON s.workspace = t.workspace AND s.id = t.server WHERE s.name = $1 AND t.name = $2`,
      [server, name],
    );
    return rows[0] ?? null;
  }

  /** Every tool of the installation, for the start of the service. */
  all(tx: EntityManager): Promise<ToolRow[]> {
    return tx.query<ToolRow[]>(`SELECT * FROM tool ORDER BY server, name`);
  }

  /** Makes the rows of a server what it lists now; a pin stays as it was first seen. */
  async replace(tx: EntityManager, workspace: string, server: string, tools: readonly CataloguedTool[]): Promise<void> {
    await tx.query(`DELETE FROM tool WHERE workspace = $1 AND server = $2 AND name <> ALL ($3::text[])`, [
      workspace,
      server,
      tools.map(({ name }) => name),
    ]);
    await tx.query(
      `INSERT INTO tool AS t (workspace, server, name, definition, hash, pin)
       SELECT $1, $2, name, definition::json, hash, hash FROM unnest($3::text[], $4::text[], $5::text[]) AS given (name, definition, hash)
       ON CONFLICT (workspace, server, name) DO UPDATE SET definition = excluded.definition, hash = excluded.hash, changed_at = now()
         WHERE t.hash <> excluded.hash`,
      [
        workspace,
        server,
        tools.map(({ name }) => name),
        tools.map(({ definition }) => JSON.stringify(definition).replaceAll('\\u0000', '\\ufffd')),
        tools.map(({ hash }) => hash),
      ],
    );
  }
}
