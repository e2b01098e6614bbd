import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { mcpServerChanged, McpServerChanged } from '@signalbox/shared/contracts/mcp-server/events.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { EntityManager } from 'typeorm';
import { BringUp } from '../bring-up/bring-up.ts';
import { changedRows, rowsOf } from '../database/sql.ts';
import { AgentHealth } from './agent-health.ts';

/** Remembers how MCP servers stand: agents of kind `mcp` are as well as their server is. */
@Controller()
export class McpServerListener {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly health: AgentHealth,
    private readonly bringUp: BringUp,
  ) {}

  @HandlesEvent(mcpServerChanged)
  async onChanged(@Payload() event: McpServerChanged, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace, version } = meta.data;
    await this.db.inWorkspace(workspace, async (tx) => {
      const isNews = event.change === 'deleted' ? await this.forget(tx, event) : await this.remember(tx, workspace, version, event);
      if (!isNews) return;
      const agents = await rowsOf<{ name: string }>(
        tx,
        `SELECT a.name FROM agent AS a JOIN agent_version AS v ON v.workspace = a.workspace AND v.agent = a.id AND v.version = a.version
         WHERE a.kind = 'mcp' AND v.manifest #>> '{spec,mcp,server}' = $1 ORDER BY a.name`,
        [event.name],
      );
      for (const { name } of agents) await this.health.refresh(tx, name);
    });
    this.bringUp.poke();
  }

  /** Whether it was news: what is older than what is known, of the same server, is not. */
  private async remember(tx: EntityManager, workspace: string, version: number, event: McpServerChanged): Promise<boolean> {
    const rows = await rowsOf(
      tx,
      `INSERT INTO mcp_server AS s (workspace, name, id, status, status_reason, event_version) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (workspace, name) DO UPDATE SET id = excluded.id, status = excluded.status, status_reason = excluded.status_reason,
         event_version = excluded.event_version
       WHERE s.id < excluded.id OR (s.id = excluded.id AND s.event_version < excluded.event_version)
       RETURNING name`,
      [workspace, event.name, event.id, event.status, event.statusReason ?? null, version],
    );
    return rows.length > 0;
  }

  private async forget(tx: EntityManager, event: McpServerChanged): Promise<boolean> {
    return (await changedRows(tx, `DELETE FROM mcp_server WHERE name = $1 AND id = $2 RETURNING name`, [event.name, event.id])).length > 0;
  }
}
