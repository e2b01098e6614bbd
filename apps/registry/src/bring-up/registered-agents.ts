import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import type { AgentManifest } from '../manifests/manifest.ts';
import { rolledBackBy } from '../recovery/rollback.ts';
import type { RegisteredAgent } from './step-outcome.ts';

interface Row {
  id: string;
  name: string;
  version: number;
  created_by: string;
  hash: string;
  manifest: AgentManifest;
  server_status: string | null;
  server_reason: string | null;
  breaker: string | null;
  live: number;
  in_flight: number;
  announced: string[] | null;
}

/** Reads what steps need to know of the agents behind a deployment. */
@Injectable()
export class RegisteredAgents {
  async byName(tx: EntityManager, names: readonly string[]): Promise<Map<string, RegisteredAgent>> {
    const rows = await rowsOf<Row>(
      tx,
      `SELECT a.id, a.name, a.version, a.hash, a.breaker, v.manifest, v.created_by, s.status AS server_status, s.status_reason AS server_reason,
         (SELECT count(*)::int FROM instance AS i WHERE i.agent = a.name AND i.status IN ('live', 'draining')) AS live,
         (SELECT coalesce(sum(i.in_flight), 0)::int FROM instance AS i WHERE i.agent = a.name AND i.status IN ('live', 'draining')) AS in_flight,
         (SELECT i.skills FROM instance AS i WHERE i.agent = a.name AND i.status <> 'gone' AND i.skills IS NOT NULL ORDER BY i.started_at DESC LIMIT 1)
           AS announced
       FROM agent AS a JOIN agent_version AS v ON v.workspace = a.workspace AND v.agent = a.id AND v.version = a.version
         LEFT JOIN mcp_server AS s ON s.workspace = a.workspace AND s.name = v.manifest #>> '{spec,mcp,server}'
       WHERE a.name = ANY($1)`,
      [names],
    );
    return new Map(
      rows.map((row) => [
        row.name,
        {
          id: row.id,
          name: row.name,
          version: row.version,
          isReturn: row.created_by === rolledBackBy,
          hash: row.hash,
          spec: row.manifest.spec,
          skills: row.manifest.spec.skills ?? [],
          serverStatus: row.server_status,
          serverReason: row.server_reason,
          breaker: row.breaker,
          live: row.live,
          inFlight: row.in_flight,
          announced: row.announced,
        },
      ]),
    );
  }
}
